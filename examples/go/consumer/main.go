// A consumer of a topic: works on its messages in a group until it is told to end (SIGTERM). Then it finishes what it has
// leased, and takes nothing new.
//
//	consumer HOST PORT TOPIC GROUP
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

func work(message fields) error {
	time.Sleep(20 * time.Millisecond)
	_, err := fmt.Println("done", message["payload"])
	return err
}

// settle acknowledges what was done; what fails goes back with what is behind it in its key, and is given again after a
// rest.
func settle(ctx context.Context, client *redis.Client, topic, group, lease string, messages []any) error {
	done, failed := []any{}, map[any]bool{}
	for _, message := range messages {
		message := message.(fields)
		key, position := message["key"], message["position"]
		if failed[key] {
			continue // It went back with the one before it.
		}
		err := work(message)
		if err == nil {
			done = append(done, position)
			continue
		}
		cause := fmt.Sprintf("%.50s", err)
		nack := client.Do(ctx, "TOPIC.NACK", topic, group, lease, "POSITIONS", 1, position, "CAUSE", cause)
		if err := nack.Err(); err != nil {
			return err
		}
		failed[key] = key != nil
	}
	if len(done) == 0 {
		return nil
	}
	ack := append([]any{"TOPIC.ACK", topic, group, lease, "POSITIONS", len(done)}, done...)
	return client.Do(ctx, ack...).Err()
}

func consume(ending context.Context, client *redis.Client, topic, group, member string) error {
	ctx := context.Background() // What was begun is finished, whatever happens.
	for ending.Err() == nil {
		// Waits a second at most, so that it ends soon when it is told to.
		answer, err := client.Do(ctx, "TOPIC.READ", topic, group, member, "COUNT", 10, "WAIT", 1000).Result()
		if err != nil {
			return err
		}
		read := answer.(fields)
		if lease, ok := read["lease"].(string); ok {
			if err := settle(ctx, client, topic, group, lease, read["messages"].([]any)); err != nil {
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
	if err := consume(ending, client, os.Args[3], os.Args[4], member); err != nil {
		log.Fatal(err)
	}
}
