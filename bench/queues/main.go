// Queues side by side: publish, read and acknowledge messages of 100 bytes, with the same client for all; and, as
// `timers`, how late jobs are taken that fall due while many others wait; as `crowd`, what it costs if all of them fall due
// at once; as `catch-up`, how fast a group reads a long topic from its beginning.
//
// Each lane, a connection of its own, publishes a batch, and then reads and acknowledges as many messages of the one
// queue that all lanes share. So one lane with batches of one is one message in flight.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var payload = strings.Repeat("x", 100)

type mode struct {
	name         string
	lanes, batch int
}

var modes = []mode{
	{"one in flight", 1, 1},
	{"50 connections", 50, 1},
	{"batches of 100, 8 connections", 8, 100},
}

var now mode

// batched is how many messages a lane takes at once at most.
func batched() int { return now.batch }

func main() {
	others := map[string]func([]string) error{"timers": timers, "crowd": crowd, "catch-up": catchUp}
	if len(os.Args) > 1 && others[os.Args[1]] != nil {
		if err := others[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	seconds := flag.Float64("seconds", 4, "how long each figure is measured")
	rounds := flag.Int("rounds", 3, "how many rounds, in alternation")
	addresses := map[string]*string{}
	peers := []peer{
		{"tidegate, a topic", "synced", "", declareTopic, openTopic, settledTopic},
		{"redis streams", "appendfsync always", "", declareStream, openStream, settledStream},
		{"nats jetstream", "sync_interval always", "", declareJet, openJet, settledJet},
		{"rabbitmq quorum queue", "synced; acks are not confirmed", "", declareRabbit, openRabbit, settledRabbit},
		{"beanstalkd", "-f0", "", declareBeans, openBeans, settledBeans},
		{"redis streams", "weaker: appendfsync everysec", "", declareStream, openStream, settledStream},
	}
	names := []string{"tidegate", "redis", "nats", "rabbitmq", "beanstalkd", "redis-everysec"}
	for at := range peers {
		addresses[names[at]] = flag.String(names[at], "", "where it listens")
	}
	flag.Parse()
	var there []peer
	for at, one := range peers {
		if one.address = *addresses[names[at]]; one.address != "" {
			there = append(there, one)
		}
	}
	for _, one := range there {
		if err := one.declare(one.address); err != nil {
			fail(one, err)
		}
	}
	for _, now = range modes {
		compare(there, *rounds, time.Duration(*seconds*float64(time.Second)))
	}
}

func compare(peers []peer, rounds int, takes time.Duration) {
	figures := make([][]float64, len(peers))
	for range rounds {
		for at, one := range peers {
			figure, err := measure(one, takes)
			if err != nil {
				fail(one, err)
			}
			figures[at] = append(figures[at], figure)
		}
	}
	own := median(figures[0])
	fmt.Printf("%s\n", now.name)
	for at, one := range peers {
		figure := median(figures[at])
		fmt.Printf("  %-24s%-34s%12s/s%8.2fx\n", one.name, one.durability, thousands(figure), own/figure)
	}
}

// measure tells how many messages a second were published, read and acknowledged.
func measure(one peer, takes time.Duration) (float64, error) {
	before, _, err := one.settled(one.address)
	if err != nil {
		return 0, err
	}
	lanes := make([]lane, now.lanes)
	for at := range lanes {
		if lanes[at], err = one.open(one.address, at); err != nil {
			return 0, err
		}
	}
	var done atomic.Int64
	var group sync.WaitGroup
	failed := make(chan error, len(lanes))
	began := time.Now()
	for _, each := range lanes {
		group.Add(1)
		go func() {
			defer group.Done()
			defer hang(each) // What it was given beyond its need is for others.
			for time.Since(began) < takes {
				if err := cycle(each, &done); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	group.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
	}
	after, left, err := one.settled(one.address)
	for range 50 { // Some take in acknowledgements behind their answers.
		if err != nil || left == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
		after, left, err = one.settled(one.address)
	}
	if err != nil {
		return 0, err
	}
	if before < 0 {
		return float64(done.Load()) / took.Seconds(), nil // It counts nothing that could be compared.
	}
	if counted := after - before; int64(counted) != done.Load() || left != 0 {
		return 0, fmt.Errorf("%d acknowledged here, %d there, and %d are left", done.Load(), counted, left)
	}
	return float64(done.Load()) / took.Seconds(), nil
}

func cycle(each lane, done *atomic.Int64) error {
	if err := each.publish(now.batch); err != nil {
		return err
	}
	for has := 0; has < now.batch; {
		more, err := each.consume(now.batch - has)
		if err != nil {
			return err
		}
		has += more
		done.Add(int64(more))
	}
	return nil
}

func hang(each lane) {
	switch one := each.(type) {
	case topic:
		one.conn.Close()
	case stream:
		one.conn.Close()
	case beans:
		one.conn.Close()
	case jet:
		one.js.Conn().Close()
	case rabbit:
		one.channel.Close()
	}
}

func median(figures []float64) float64 {
	sort.Float64s(figures)
	return figures[len(figures)/2]
}

func thousands(figure float64) string {
	digits := fmt.Sprintf("%.0f", figure)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func fail(one peer, err error) {
	fmt.Fprintf(os.Stderr, "%s (%s): %v\n", one.name, one.durability, err)
	os.Exit(1)
}
