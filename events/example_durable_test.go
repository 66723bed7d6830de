package events_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A durable consumer gets every event at least once, also those of the time it was away. As an
// event's id is the same whenever it comes, remembering the ids makes that once. A real consumer
// stores the id together with what it does about the event, in one transaction.
func Example_durableConsumer() {
	server := rollcall() // stands in for a running Rollcall
	defer server.stop()
	server.publish()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	nc, err := nats.Connect(server.url)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, events.Stream, jetstream.ConsumerConfig{
		Durable:       "attendance",
		FilterSubject: events.AllMembers,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}

	done := map[string]bool{} // the ids of the events that were processed
	for deliveries := range 4 {
		msg, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			log.Fatal(err)
		}
		e, err := events.Decode(msg.Data())
		if err != nil {
			log.Printf("skipped: %v", err)
			if err := msg.Term(); err != nil { // it will not get better
				log.Fatal(err)
			}
			continue
		}
		if !done[e.ID] {
			fmt.Println(e.Sequence, e.Member.UserNick, e.Member.Reason)
			done[e.ID] = true
		}
		if deliveries == 0 {
			continue // the acknowledgement gets lost: the event comes once more
		}
		if err := msg.DoubleAck(ctx); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("processed", len(done))
	// Output:
	// 1 Ann joined
	// 2 Bob joined
	// 3 Ann left
	// processed 3
}
