package consumer_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// Everybody who joins, leaves or is kicked, in whichever meeting: also what happened while the
// program was not running.
func Example() {
	url, stop := streamtest.Example() // stands in for a running Rollcall
	defer stop()

	nc, err := nats.Connect(url)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	// A real program takes a context that a signal ends; this one ends itself.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	seen := 0
	err = consumer.Run(ctx, js, consumer.Options{Name: "greeter"}, func(_ context.Context, e consumer.Delivery) error {
		fmt.Println(e.Time.Format("15:04:05"), e.Member.UserNick, e.Member.Reason)
		if seen++; seen == 3 {
			cancel()
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 09:00:00 Ann joined
	// 09:00:05 Bob joined
	// 09:20:00 Ann left
}

// A memory in NATS keeps a handler that does something in the world, as sending a message is, from
// doing it again after the consumer was made anew or an acknowledgement was lost.
func ExampleKV() {
	url, stop := streamtest.Example() // stands in for a running Rollcall
	defer stop()

	nc, err := nats.Connect(url)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bucket, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "greetings", TTL: 30 * 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"first", "second"} { // the second is given the same events again
		ctx, enough := context.WithCancel(ctx)
		opts := consumer.Options{Name: name, Subjects: []string{string(events.Joined)}, Memory: &ending{consumer.NewKV(bucket), enough, 2}}
		if err := consumer.Run(ctx, js, opts, func(_ context.Context, e consumer.Delivery) error {
			fmt.Println("Welcome,", e.Member.UserNick)
			return nil
		}); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// Welcome, Ann
	// Welcome, Bob
}

// ending ends the example once so many events have been looked up, and the last of them was dealt
// with.
type ending struct {
	consumer.Memory
	enough func()
	left   int
}

func (e *ending) Seen(ctx context.Context, id string) (bool, error) {
	if e.left--; e.left == 0 {
		defer e.enough()
	}
	return e.Memory.Seen(context.WithoutCancel(ctx), id)
}
