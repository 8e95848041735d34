package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// crowd has all jobs fall due within one window. It starts the server, ends it by SIGKILL twice (while all wait, and
// while they are worked off), counts by id what became of each job, and samples what memory the server takes.
func crowd(words []string) error {
	flags := flag.NewFlagSet("crowd", flag.ExitOnError)
	binary := flags.String("binary", "", "the server")
	folder := flags.String("data", "", "its folder")
	memory := flags.String("memory", "128MiB", "what it is told to keep to")
	address := flags.String("tidegate", "127.0.0.1:7479", "where it listens")
	jobs := flags.Int("jobs", 10_000_000, "how many")
	lead := flags.Duration("lead", 10*time.Minute, "time to add them, before the first is due")
	window := flags.Duration("window", time.Minute, "time in which all fall due")
	if err := flags.Parse(words); err != nil {
		return err
	}
	s := &server{binary: *binary, folder: *folder, memory: *memory, address: *address}
	if err := s.start(); err != nil {
		return err
	}
	defer s.kill()
	time.Sleep(time.Second)
	s.tell("idle")
	idle := s.now("VmRSS")
	began := time.Now()
	c := &crowded{
		server: s, from: began.Add(*lead), window: *window,
		isAdded: make([]atomic.Bool, *jobs), isDone: make([]atomic.Bool, *jobs),
		given: make([]atomic.Int32, *jobs), done: make([]atomic.Int32, *jobs),
	}
	if err := c.each(fillers, c.add); err != nil {
		return err
	}
	if time.Now().After(c.from) {
		return fmt.Errorf("adding %d jobs took longer than %v", *jobs, *lead)
	}
	took := time.Since(began).Seconds()
	fmt.Printf("%s jobs added in %.0f s, %s/s\n", thousands(float64(*jobs)), took, thousands(float64(*jobs)/took))
	s.tell("all wait")
	if err := s.again("all wait"); err != nil {
		return err
	}
	time.Sleep(time.Until(c.from))
	s.tell("before the first is due")
	ended := make(chan error, 1)
	go func() { ended <- c.each(workers, c.work) }()
	for c.finished.Load() < int64(*jobs)/2 {
		select {
		case err := <-ended:
			return errors.Join(err, errors.New("work ended early"))
		case <-time.After(100 * time.Millisecond):
		}
	}
	s.tell("half are done")
	if err := s.again("half are done"); err != nil {
		return err
	}
	if err := <-ended; err != nil {
		return err
	}
	s.tell("all are done")
	took = time.Since(c.from).Seconds()
	fmt.Printf("all fell due within %v, and were done %.0f s after the first was due, %s/s\n", *window, took,
		thousands(float64(*jobs)/took))
	fmt.Printf("most resident memory: %d MiB, %d MiB above the %d MiB of an idle server\n", s.most>>10, (s.most-idle)>>10,
		idle>>10)
	return c.tell()
}

// server is a process of it, one at a time.
type server struct {
	binary, folder, memory, address string
	process                         *exec.Cmd
	// Most resident memory of any of its processes, in KiB.
	most int
}

func (s *server) start() error {
	command := exec.Command(s.binary, "serve", "--data", s.folder, "--memory", s.memory, "--resp", s.address, "--http",
		"127.0.0.1:0")
	command.Stderr = os.Stderr
	said, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	s.process = command
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if lines.Text() == "ready" {
			go io.Copy(io.Discard, said)
			return nil
		}
	}
	return errors.New("the server has not started")
}

func (s *server) kill() {
	s.note()
	s.process.Process.Kill()
	s.process.Wait()
}

// again ends the server at once, and starts another one.
func (s *server) again(when string) error {
	s.kill()
	began := time.Now()
	if err := s.start(); err != nil {
		return err
	}
	fmt.Printf("%s: ended by SIGKILL, answers again after %.1f s\n", when, time.Since(began).Seconds())
	return nil
}

// now is a line of what the system says of the process, in KiB.
func (s *server) now(name string) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	_, rest, _ := strings.Cut(string(status), name+":")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kib, _ := strconv.Atoi(words[0])
	return kib
}

func (s *server) note() { s.most = max(s.most, s.now("VmHWM")) }

func (s *server) tell(when string) {
	s.note()
	disk, _ := exec.Command("du", "-sm", filepath.Clean(s.folder)).Output()
	mib, _, _ := strings.Cut(string(disk), "\t")
	fmt.Printf("%s: VmHWM %d MiB, VmRSS %d MiB, %s MiB on disk\n", when, s.now("VmHWM")>>10, s.now("VmRSS")>>10, mib)
}

// hand is what a worker has, until it has heard that all of it is done.
type hand struct {
	lease string
	jobs  []held
}

// held is a job by its id, and by its number, which is at the beginning of its payload.
type held struct {
	id     string
	number int
}

const digits = 10

func numbered(at int) string { return fmt.Sprintf("%0*d", digits, at) + payload[digits:] }

// crowded is what is known of each job, by its number.
type crowded struct {
	server *server
	from   time.Time
	window time.Duration
	// That it is there, and that it is done, was answered.
	isAdded, isDone []atomic.Bool
	// How often it was in a worker's hands, and how often its end has had an effect.
	given, done []atomic.Int32
	finished    atomic.Int64
	hands       [workers]hand
	// What must not be.
	early, afterDone, unknown, twice atomic.Int64
	// What may be, behind a kill.
	again, leaseOver atomic.Int64
}

// each has so many connections at it; one that breaks is made anew.
func (c *crowded) each(connections int, run func(int, *wire) error) error {
	failed := make(chan error, connections)
	for at := range connections {
		go func() {
			for {
				w, err := dial(c.server.address)
				if err == nil {
					err = run(at, w)
					w.conn.Close()
				}
				if err == nil || strings.HasPrefix(err.Error(), "answered ") {
					failed <- err
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
	}
	var all error
	for range connections {
		all = errors.Join(all, <-failed)
	}
	return all
}

func (c *crowded) dueMs(at int) int64 {
	return c.from.UnixMilli() + int64(at)*c.window.Milliseconds()/int64(len(c.done))
}

// add sees to every so manieth job. Those told BUSY come again.
func (c *crowded) add(first int, w *wire) error {
	var next []int
	for at := first; at < len(c.isAdded); at += fillers {
		if !c.isAdded[at].Load() {
			next = append(next, at)
		}
		if len(next) == pipelined || at+fillers >= len(c.isAdded) {
			if err := c.addAll(next, w); err != nil {
				return err
			}
			next = next[:0]
		}
	}
	return nil
}

func (c *crowded) addAll(numbers []int, w *wire) error {
	for len(numbers) > 0 {
		for _, at := range numbers {
			w.send("JOB.ADD", "crowd", "*", numbered(at), "AT", strconv.FormatInt(c.dueMs(at), 10))
		}
		if err := w.out.Flush(); err != nil {
			return err
		}
		var busy []int
		for _, at := range numbers {
			_, err := w.reply()
			switch {
			case err == nil:
				c.isAdded[at].Store(true)
			case isBusy(err):
				busy = append(busy, at)
			default:
				return err
			}
		}
		if numbers = busy; len(busy) > 0 {
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}

func isBusy(err error) bool { return strings.HasPrefix(err.Error(), "answered BUSY") }

// work takes and finishes jobs until all are finished.
func (c *crowded) work(worker int, w *wire) error {
	hand := &c.hands[worker]
	for {
		// Behind a kill: what was said and not answered is said again.
		if err := c.finish(hand, w); err != nil {
			return err
		}
		if c.finished.Load() == int64(len(c.done)) {
			return nil
		}
		told, err := w.call("JOB.TAKE", fmt.Sprint("w", worker), "1", "crowd", "COUNT", taken, "WAIT", "500")
		if err != nil && isBusy(err) {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		now := time.Now().UnixMilli()
		hand.lease, _ = field(told, "lease").(string)
		jobs, _ := field(told, "jobs").([]any)
		for _, job := range jobs {
			id, _ := field(job, "id").(string)
			if at := numberOf(job); c.noteGiven(at, now) {
				hand.jobs = append(hand.jobs, held{id, at})
			}
		}
	}
}

// finish says that all in a hand are done, until that is answered.
func (c *crowded) finish(hand *hand, w *wire) error {
	for len(hand.jobs) > 0 {
		for _, job := range hand.jobs {
			w.send("JOB.DONE", "crowd", job.id, hand.lease)
		}
		if err := w.out.Flush(); err != nil {
			return err
		}
		var busy []held
		for _, job := range hand.jobs {
			told, err := w.reply()
			switch {
			case err == nil:
				c.noteDone(job.number, number(field(told, "repeated")) == 1)
			case isBusy(err):
				busy = append(busy, job)
			case strings.Contains(err.Error(), "lease_over"):
				c.leaseOver.Add(1)
			default:
				return err
			}
		}
		hand.jobs = busy
	}
	return nil
}

func numberOf(job any) int {
	told, _ := field(job, "payload").(string)
	if len(told) < digits {
		return -1
	}
	at, err := strconv.Atoi(told[:digits])
	if err != nil {
		return -1
	}
	return at
}

// noteGiven says whether the job is one of ours.
func (c *crowded) noteGiven(at int, now int64) bool {
	if at < 0 || at >= len(c.given) {
		c.unknown.Add(1)
		return false
	}
	if c.isDone[at].Load() {
		c.afterDone.Add(1)
	}
	if now < c.dueMs(at) {
		c.early.Add(1)
	}
	if c.given[at].Add(1) > 1 {
		c.again.Add(1)
	}
	return true
}

// noteDone takes note of an answer; one that is repeated has had its effect with one before, which was not heard.
func (c *crowded) noteDone(at int, isRepeated bool) {
	if !isRepeated && c.done[at].Add(1) > 1 {
		c.twice.Add(1)
	}
	if !c.isDone[at].Swap(true) {
		c.finished.Add(1)
	}
}

func (c *crowded) tell() error {
	lost := 0
	for at := range c.isDone {
		if !c.isDone[at].Load() {
			lost++
		}
	}
	wrong := c.early.Load() + c.twice.Load() + c.afterDone.Load() + c.unknown.Load() + int64(lost)
	fmt.Printf("by id: %d lost, %d early, %d done twice, %d given after they were done, %d that nobody added\n", lost,
		c.early.Load(), c.twice.Load(), c.afterDone.Load(), c.unknown.Load())
	fmt.Printf("given again: %d; said to be done under a lease that was over: %d\n", c.again.Load(), c.leaseOver.Load())
	if wrong > 0 {
		return errors.New("that must not be")
	}
	return nil
}
