package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// chains are how far the chains of the meetings have come. A real consumer keeps them together with
// what it makes of the events.
type chains struct {
	keys      []string // who may seal, as known from elsewhere
	byMeeting map[string]events.Chain
}

// follow takes the next event of a meeting, which has to be given once and in the order of the
// stream. It returns an error that wraps [events.ErrChain] when something was changed, left out or
// moved. Somebody who reads events from before a person was forgotten meets holes: an event that is
// stored later tells of them, and [events.Holes.Over] leads over them.
func (c *chains) follow(d consumer.Delivery) error {
	id := d.ConferenceID()
	chain := c.byMeeting[id]
	switch {
	case d.Previous == "" && !chain.Begun():
		return nil // it is not about a meeting, or from before there was a chain
	case d.Meeting != nil && d.Meeting.Restarted:
		chain = events.Chain{} // all that was stored was lost: what follows is announced again
	}
	chain, err := chain.Follow(d.Payload, &d.Event)
	if err != nil {
		return err
	}
	if seal := d.Seal(); seal != nil {
		if !slices.Contains(c.keys, seal.Key) {
			return fmt.Errorf("%w: sealed with a key of somebody else", events.ErrChain)
		}
		if err := events.CheckSeal(d.Payload, &d.Event); err != nil {
			return err
		}
	}
	c.byMeeting[id] = chain
	return nil
}

// A consumer that checks the chain of every meeting as the events come.
func Example_chain() {
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
	known := &chains{byMeeting: map[string]events.Chain{}} // with the keys that `rollcall doctor --print` tells
	var last consumer.Delivery
	err = consumer.Run(ctx, js, consumer.Options{Name: "checked"}, func(_ context.Context, d consumer.Delivery) error {
		if err := known.follow(d); err != nil {
			return err
		}
		fmt.Println(d.Sequence, d.Type, "fits")
		if last = d; d.Sequence == 3 {
			cancel()
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("once more:", errors.Is(known.follow(last), events.ErrChain))
	// Output:
	// 1 conference.member.joined fits
	// 2 conference.member.joined fits
	// 3 conference.member.left fits
	// once more: true
}
