package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	amqp "github.com/rabbitmq/amqp091-go"
)

// waits is how long a read waits for messages.
const waits = time.Second

// lane is one connection to a queue, which several lanes share.
type lane interface {
	// publish returns once so many messages are acknowledged.
	publish(count int) error
	// consume takes up to so many messages, acknowledges them, and tells how many there were.
	consume(most int) (int, error)
}

// peer is a kind of queue.
type peer struct {
	name       string
	durability string
	address    string
	declare    func(address string) error
	open       func(address string, number int) (lane, error)
	// settled tells how many messages the server says were acknowledged and how many it still has.
	settled func(address string) (done int, left int, err error)
}

// ---- Tidegate, a topic

type topic struct {
	*wire
	member string
}

func declareTopic(address string) error {
	w, err := dial(address)
	if err != nil {
		return err
	}
	if _, err = w.call("TOPIC.CREATE", "bench"); err != nil {
		return err
	}
	_, err = w.call("TOPIC.GROUP", "bench", "g", "ORDER", "none")
	return err
}

func openTopic(address string, number int) (lane, error) {
	w, err := dial(address)
	return topic{w, fmt.Sprint("m", number)}, err
}

func (t topic) publish(count int) error {
	if count == 1 {
		_, err := t.call("TOPIC.PUBLISH", "bench", "*", payload)
		return err
	}
	words := []string{"TOPIC.PUBLISHALL", "bench", strconv.Itoa(count)}
	for range count {
		words = append(words, "*", "", "", "", "", payload)
	}
	_, err := t.call(words...)
	return err
}

func (t topic) consume(most int) (int, error) {
	wait := strconv.Itoa(int(waits.Milliseconds()))
	t.send("TOPIC.READ", "bench", "g", t.member, "COUNT", strconv.Itoa(most), "WAIT", wait)
	if err := t.out.Flush(); err != nil {
		return 0, err
	}
	told, messages, err := t.count("messages")
	lease, _ := told["lease"].(string)
	if err != nil || messages == 0 {
		return 0, err
	}
	_, err = t.call("TOPIC.ACK", "bench", "g", lease)
	return messages, err
}

func settledTopic(address string) (int, int, error) {
	w, err := dial(address)
	if err != nil {
		return 0, 0, err
	}
	told, err := w.call("TOPIC.GROUPS", "bench")
	if err != nil {
		return 0, 0, err
	}
	groups, _ := field(told, "items").([]any)
	if len(groups) != 1 {
		return 0, 0, fmt.Errorf("one group expected: %v", told)
	}
	return number(field(groups[0], "acked")), number(field(groups[0], "lag")), nil
}

func number(told any) int {
	switch value := told.(type) {
	case int:
		return value
	case string:
		parsed, _ := strconv.Atoi(value)
		return parsed
	}
	return -1
}

// ---- Redis Streams

type stream struct {
	*wire
	member string
}

func declareStream(address string) error {
	w, err := dial(address)
	if err != nil {
		return err
	}
	if _, err = w.call("DEL", "bench", "bench:acked"); err != nil {
		return err
	}
	_, err = w.call("XGROUP", "CREATE", "bench", "g", "$", "MKSTREAM")
	return err
}

func openStream(address string, number int) (lane, error) {
	w, err := dial(address)
	return stream{w, fmt.Sprint("m", number)}, err
}

func (s stream) publish(count int) error {
	for range count {
		s.send("XADD", "bench", "*", "p", payload)
	}
	if err := s.out.Flush(); err != nil {
		return err
	}
	for range count {
		if _, err := s.reply(); err != nil {
			return err
		}
	}
	return nil
}

func (s stream) consume(most int) (int, error) {
	block := strconv.Itoa(int(waits.Milliseconds()))
	s.send("XREADGROUP", "GROUP", "g", s.member, "COUNT", strconv.Itoa(most), "BLOCK", block, "STREAMS", "bench", ">")
	if err := s.out.Flush(); err != nil {
		return 0, err
	}
	ids, err := s.entries()
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	words := append([]string{"XACK", "bench", "g"}, ids...)
	acked, err := s.call(words...)
	return number(acked), err
}

func settledStream(address string) (int, int, error) {
	w, err := dial(address)
	if err != nil {
		return 0, 0, err
	}
	told, err := w.call("XINFO", "GROUPS", "bench")
	if err != nil {
		return 0, 0, err
	}
	group := told.([]any)[0]
	pending := number(field(group, "pending"))
	return number(field(group, "entries-read")) - pending, number(field(group, "lag")) + pending, nil
}

// ---- NATS JetStream

type jet struct {
	js       jetstream.JetStream
	consumer jetstream.Consumer
}

func openJet(address string, _ int) (lane, error) {
	nc, err := nats.Connect("nats://" + address)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	consumer, err := js.Consumer(context.Background(), "bench", "g")
	return jet{js, consumer}, err
}

func declareJet(address string) error {
	nc, err := nats.Connect("nats://" + address)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx := context.Background()
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "bench", Subjects: []string{"bench"}, Storage: jetstream.FileStorage,
	})
	if err != nil {
		return err
	}
	_, err = js.CreateConsumer(ctx, "bench", jetstream.ConsumerConfig{
		Durable: "g", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 10_000,
	})
	return err
}

func (j jet) publish(count int) error {
	if count == 1 {
		_, err := j.js.Publish(context.Background(), "bench", []byte(payload))
		return err
	}
	futures := make([]jetstream.PubAckFuture, count)
	for at := range futures {
		future, err := j.js.PublishAsync("bench", []byte(payload))
		if err != nil {
			return err
		}
		futures[at] = future
	}
	for _, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return err
		}
	}
	return nil
}

func (j jet) consume(most int) (int, error) {
	batch, err := j.consumer.Fetch(most, jetstream.FetchMaxWait(waits))
	if err != nil {
		return 0, err
	}
	count := 0
	var last jetstream.Msg
	for message := range batch.Messages() {
		if last != nil {
			if err := last.Ack(); err != nil {
				return count, err
			}
		}
		last = message
		count++
	}
	if last == nil {
		return 0, batch.Error()
	}
	return count, last.DoubleAck(context.Background())
}

func settledJet(address string) (int, int, error) {
	one, err := openJet(address, 0)
	if err != nil {
		return 0, 0, err
	}
	info, err := one.(jet).consumer.Info(context.Background())
	if err != nil {
		return 0, 0, err
	}
	left := int(info.NumPending) + info.NumAckPending
	return int(info.AckFloor.Consumer), left, nil
}

// ---- RabbitMQ, a quorum queue of one member

type rabbit struct {
	channel    *amqp.Channel
	deliveries <-chan amqp.Delivery
}

func channel(address string) (*amqp.Channel, error) {
	conn, err := amqp.Dial("amqp://guest:guest@" + address + "/")
	if err != nil {
		return nil, err
	}
	return conn.Channel()
}

func declareRabbit(address string) error {
	ch, err := channel(address)
	if err != nil {
		return err
	}
	args := amqp.Table{"x-queue-type": "quorum"}
	_, err = ch.QueueDeclare("bench", true, false, false, false, args)
	return err
}

func openRabbit(address string, number int) (lane, error) {
	ch, err := channel(address)
	if err != nil {
		return nil, err
	}
	if err = ch.Confirm(false); err != nil {
		return nil, err
	}
	if err = ch.Qos(batched(), 0, false); err != nil {
		return nil, err
	}
	deliveries, err := ch.Consume("bench", fmt.Sprint("m", number), false, false, false, false, nil)
	return rabbit{ch, deliveries}, err
}

func (r rabbit) publish(count int) error {
	message := amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(payload)}
	confirms := make([]*amqp.DeferredConfirmation, count)
	for at := range confirms {
		confirm, err := r.channel.PublishWithDeferredConfirm("", "bench", false, false, message)
		if err != nil {
			return err
		}
		confirms[at] = confirm
	}
	for _, confirm := range confirms {
		if !confirm.Wait() {
			return errors.New("not confirmed")
		}
	}
	return nil
}

func (r rabbit) consume(most int) (int, error) {
	for count := 1; ; count++ {
		select {
		case one := <-r.deliveries:
			if count == most || len(r.deliveries) == 0 {
				return count, one.Ack(true)
			}
		case <-time.After(waits):
			return 0, nil
		}
	}
}

// settledRabbit cannot tell how many were acknowledged: RabbitMQ keeps no such count without its management.
func settledRabbit(address string) (int, int, error) {
	ch, err := channel(address)
	if err != nil {
		return 0, 0, err
	}
	queue, err := ch.QueueDeclarePassive("bench", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	return -1, queue.Messages, err
}

// ---- beanstalkd

type beans struct{ *wire }

func declareBeans(string) error { return nil }

func openBeans(address string, _ int) (lane, error) {
	w, err := dial(address)
	return beans{w}, err
}

func (b beans) publish(count int) error {
	for range count {
		fmt.Fprintf(b.out, "put 0 0 60 %d\r\n%s\r\n", len(payload), payload)
	}
	if err := b.out.Flush(); err != nil {
		return err
	}
	for range count {
		line, err := b.line()
		if err != nil || !strings.HasPrefix(line, "INSERTED") {
			return fmt.Errorf("put: %s %w", line, err)
		}
	}
	return nil
}

func (b beans) consume(most int) (int, error) {
	for range most {
		fmt.Fprintf(b.out, "reserve-with-timeout %d\r\n", int(waits.Seconds()))
	}
	if err := b.out.Flush(); err != nil {
		return 0, err
	}
	count := 0
	for range most {
		line, err := b.line()
		if err != nil {
			return count, err
		}
		words := strings.Fields(line)
		if words[0] != "RESERVED" {
			continue
		}
		if _, err := b.line(); err != nil {
			return count, err
		}
		fmt.Fprintf(b.out, "delete %s\r\n", words[1])
		count++
	}
	if err := b.out.Flush(); err != nil {
		return count, err
	}
	for range count {
		if line, err := b.line(); err != nil || line != "DELETED" {
			return count, fmt.Errorf("delete: %s %w", line, err)
		}
	}
	return count, nil
}

func settledBeans(address string) (int, int, error) {
	w, err := dial(address)
	if err != nil {
		return 0, 0, err
	}
	fmt.Fprint(w.out, "stats\r\n")
	if err := w.out.Flush(); err != nil {
		return 0, 0, err
	}
	done, left := -1, 0
	for {
		line, err := w.line0()
		if err != nil {
			return 0, 0, err
		}
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r"), ": ")
		switch name {
		case "cmd-delete":
			done, _ = strconv.Atoi(value)
		case "current-jobs-ready", "current-jobs-reserved":
			more, _ := strconv.Atoi(value)
			left += more
		case "":
			return done, left, nil
		}
	}
}
