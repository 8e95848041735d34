package main

import (
	"flag"
	"fmt"
	"math"
	"sort"
	"strconv"
	"sync"
	"time"
)

const (
	// fillers is how many connections add jobs, and pipelined how many each has under way.
	fillers   = 8
	pipelined = 200
	workers   = 4
	taken     = "100"
)

// timers has many jobs wait for a day, others fall due at a steady rate, and tells how late workers had these.
func timers(words []string) error {
	flags := flag.NewFlagSet("timers", flag.ExitOnError)
	address := flags.String("tidegate", "", "where it listens")
	waiting := flags.Int("waiting", 1_000_000, "jobs that wait beside")
	rate := flags.Int("rate", 10_000, "jobs that fall due in a second")
	seconds := flags.Int("seconds", 10, "for how long")
	if err := flags.Parse(words); err != nil {
		return err
	}
	day := time.Now().Add(24 * time.Hour).UnixMilli()
	began := time.Now()
	if err := fill(*address, "far", *waiting, func(at int) int64 { return day + int64(at%3_600_000) }); err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Printf("%s jobs added for tomorrow in %.1f s, %s/s\n", thousands(float64(*waiting)), took.Seconds(),
		thousands(float64(*waiting)/took.Seconds()))
	due := *rate * *seconds
	from := time.Now().Add(time.Duration(due/20_000+2) * time.Second).UnixMilli()
	at := func(nth int) int64 { return from + int64(nth)*1000/int64(*rate) }
	if err := fill(*address, "near", due, at); err != nil {
		return err
	}
	if time.Now().UnixMilli() > from {
		return fmt.Errorf("adding %d jobs took longer than expected", due)
	}
	late, err := work(*address, due)
	if err != nil {
		return err
	}
	sort.Float64s(late)
	quantile := func(q float64) float64 { return late[int(math.Ceil(q*float64(len(late))))-1] }
	fmt.Printf("%s jobs due, %s a second: late by p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, max %.1f ms; first %.1f ms\n",
		thousands(float64(due)), thousands(float64(*rate)), quantile(0.5), quantile(0.99), quantile(0.999),
		late[len(late)-1], late[0])
	return nil
}

// fill adds so many jobs, each due at its time, which is its payload.
func fill(address, queue string, count int, due func(int) int64) error {
	failed := make(chan error, fillers)
	for filler := range fillers {
		go func() {
			failed <- fillFrom(address, queue, filler, count, due)
		}()
	}
	for range fillers {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

func fillFrom(address, queue string, first, count int, due func(int) int64) error {
	w, err := dial(address)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	for at := first; at < count; {
		under := 0
		for ; at < count && under < pipelined; at += fillers {
			ms := strconv.FormatInt(due(at), 10)
			w.send("JOB.ADD", queue, "*", ms, "AT", ms)
			under++
		}
		if err := w.out.Flush(); err != nil {
			return err
		}
		for range under {
			if _, err := w.reply(); err != nil {
				return err
			}
		}
	}
	return nil
}

// work takes and finishes so many jobs, and tells by how many milliseconds each was late in a worker's hands.
func work(address string, count int) ([]float64, error) {
	var lock sync.Mutex
	var late []float64
	failed := make(chan error, workers)
	isDone := func() bool {
		lock.Lock()
		defer lock.Unlock()
		return len(late) >= count
	}
	for worker := range workers {
		go func() {
			failed <- workOn(address, worker, isDone, func(ms []float64) {
				lock.Lock()
				defer lock.Unlock()
				late = append(late, ms...)
			})
		}()
	}
	for range workers {
		if err := <-failed; err != nil {
			return nil, err
		}
	}
	return late, nil
}

func workOn(address string, worker int, isDone func() bool, note func([]float64)) error {
	w, err := dial(address)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	for !isDone() {
		told, err := w.call("JOB.TAKE", fmt.Sprint("w", worker), "1", "near", "COUNT", taken, "WAIT", "500")
		if err != nil {
			return err
		}
		now := float64(time.Now().UnixMicro()) / 1000
		lease, _ := field(told, "lease").(string)
		jobs, _ := field(told, "jobs").([]any)
		late := make([]float64, len(jobs))
		for at, job := range jobs {
			late[at] = now - float64(number(field(job, "payload")))
			w.send("JOB.DONE", "near", field(job, "id").(string), lease)
		}
		if err := w.out.Flush(); err != nil {
			return err
		}
		for range jobs {
			if _, err := w.reply(); err != nil {
				return err
			}
		}
		note(late)
	}
	return nil
}
