// A worker: does the jobs of a queue until it is told to end (SIGTERM). Then it finishes what it has taken, and takes
// nothing new.
//
//	worker HOST PORT QUEUE
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

type fields = map[any]any

func work(job fields) error {
	time.Sleep(20 * time.Millisecond)
	_, err := fmt.Println("done", job["payload"])
	return err
}

func do(ctx context.Context, client *redis.Client, queue string, job fields, lease any) error {
	if err := work(job); err != nil {
		return client.Do(ctx, "JOB.FAIL", queue, job["id"], lease, "ERROR", fmt.Sprintf("%.50s", err)).Err()
	}
	return client.Do(ctx, "JOB.DONE", queue, job["id"], lease).Err()
}

func serve(ending context.Context, client *redis.Client, queue, member string) error {
	ctx := context.Background() // What was begun is finished, whatever happens.
	for ending.Err() == nil {
		// Waits a second at most, so that it ends soon when it is told to.
		answer, err := client.Do(ctx, "JOB.TAKE", member, 1, queue, "COUNT", 10, "WAIT", 1000).Result()
		if err != nil {
			return err
		}
		taken := answer.(fields)
		for _, job := range taken["jobs"].([]any) {
			if err := do(ctx, client, queue, job.(fields), taken["lease"]); err != nil {
				return err
			}
		}
	}
	return nil
}

func main() {
	ending, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	// What may be done twice is not done again by the client itself.
	client := redis.NewClient(&redis.Options{Addr: net.JoinHostPort(os.Args[1], os.Args[2]), MaxRetries: -1})
	defer client.Close()
	host, _ := os.Hostname()
	member := fmt.Sprintf("%s-%d", host, os.Getpid())
	if err := serve(ending, client, os.Args[3], member); err != nil {
		log.Fatal(err)
	}
}
