package main

import (
	"flag"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	publishers = 4
	// batch is the most that one command publishes or reads.
	batch = 500

	// busy is how long a publisher waits that is told BUSY.
	busy = 50 * time.Millisecond
	// beat is how often the tail is published to.
	beat = 5 * time.Millisecond
)

// catchUp has a group read a long topic from its beginning, and tells how fast, and whether those who read its end, in
// another group, are slowed by that.
func catchUp(words []string) error {
	flags := flag.NewFlagSet("catch-up", flag.ExitOnError)
	address := flags.String("tidegate", "", "where it listens")
	messages := flags.Int("messages", 1_000_000, "how many, of 100 bytes")
	readers := flags.Int("readers", 8, "how many read it in the group at once")
	if err := flags.Parse(words); err != nil {
		return err
	}
	if err := declareTopic(*address); err != nil {
		return err
	}
	began := time.Now()
	if err := publishMany(*address, *messages); err != nil {
		return err
	}
	rate := func(count int, since time.Time) string {
		return thousands(float64(count) / time.Since(since).Seconds())
	}
	fmt.Printf("%s messages published, %s/s\n", thousands(float64(*messages)), rate(*messages, began))

	var over atomic.Bool
	alone, err := tail(*address, "alone", func() bool { return time.Since(began) > 5*time.Second }, func() { began = time.Now() })
	if err != nil {
		return err
	}
	fmt.Printf("tail alone:      %s\n", alone)
	told := make(chan string, 1)
	failed := make(chan error, 1)
	go func() {
		beside, err := tail(*address, "beside", over.Load, func() {})
		told <- beside
		failed <- err
	}()
	began = time.Now()
	read, err := readAll(*address, *messages, *readers)
	if err != nil {
		return err
	}
	fmt.Printf("catch-up:        %s messages read and acknowledged, %s/s\n", thousands(float64(read)), rate(read, began))
	over.Store(true)
	fmt.Printf("tail beside it:  %s\n", <-told)
	return <-failed
}

func publishMany(address string, count int) error {
	failed := make(chan error, publishers)
	var left atomic.Int64
	left.Store(int64(count))
	for range publishers {
		go func() {
			one, err := openTopic(address, 0)
			for err == nil && left.Add(-batch) > -batch {
				err = one.publish(batch)
				for err != nil && strings.Contains(err.Error(), "BUSY") {
					time.Sleep(busy)
					err = one.publish(batch)
				}
			}
			failed <- err
		}()
	}
	for range publishers {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

// readAll reads the group that begins with the first message, until so many were acknowledged.
func readAll(address string, count, readers int) (int, error) {
	var done atomic.Int64
	failed := make(chan error, readers)
	for reader := range readers {
		go func() {
			one, err := openTopic(address, reader)
			for err == nil && done.Load() < int64(count) {
				var more int
				more, err = one.consume(batch)
				done.Add(int64(more))
			}
			failed <- err
		}()
	}
	for range readers {
		if err := <-failed; err != nil {
			return 0, err
		}
	}
	return int(done.Load()), nil
}

// tail publishes a message every beat to the same topic, and reads its end in a group of its own; it tells how long
// each was on its way.
func tail(address, group string, isOver func() bool, begin func()) (string, error) {
	out, err := dial(address)
	if err != nil {
		return "", err
	}
	in, err := dial(address)
	if err != nil {
		return "", err
	}
	told, err := out.call("TOPIC.GET", "bench")
	if err != nil {
		return "", err
	}
	next := strconv.Itoa(number(field(told, "last")) + 1)
	if _, err := out.call("TOPIC.GROUP", "bench", group, "ORDER", "none", "FROM", next); err != nil {
		return "", err
	}
	begin()
	failed := make(chan error, 1)
	var sending sync.WaitGroup
	sending.Add(1)
	go func() {
		defer sending.Done()
		for !isOver() {
			if _, err := out.call("TOPIC.PUBLISH", "bench", "*", strconv.FormatInt(time.Now().UnixMicro(), 10)); err != nil {
				failed <- err
				return
			}
			time.Sleep(beat)
		}
	}()
	var took []float64
	for !isOver() {
		told, err := in.call("TOPIC.READ", "bench", group, "m", "COUNT", "100", "WAIT", "200")
		if err != nil {
			return "", err
		}
		now := time.Now().UnixMicro()
		messages, _ := field(told, "messages").([]any)
		for _, message := range messages {
			took = append(took, float64(now-int64(number(field(message, "payload"))))/1000)
		}
		if lease, ok := field(told, "lease").(string); ok {
			if _, err := in.call("TOPIC.ACK", "bench", group, lease); err != nil {
				return "", err
			}
		}
	}
	sending.Wait()
	if len(took) == 0 {
		return "", fmt.Errorf("nothing came to the tail")
	}
	sort.Float64s(took)
	quantile := func(q float64) float64 { return took[int(math.Ceil(q*float64(len(took))))-1] }
	return fmt.Sprintf("%s messages, p50 %.1f ms, p99 %.1f ms, max %.1f ms", thousands(float64(len(took))), quantile(0.5),
		quantile(0.99), took[len(took)-1]), nil
}
