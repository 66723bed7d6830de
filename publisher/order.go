package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	orderPrefix = "rollcall.erase.order."
	placePrefix = "rollcall.erase.place."
)

// Order is that somebody is to be forgotten. It is stored until that is done in all its meetings,
// and then overwritten.
type Order struct {
	ID string `json:"-"`
	// UnionID is the person's; of guests, Nick is what they are called in the only meeting.
	UnionID string    `json:"unionId,omitempty"`
	Nick    string    `json:"nick,omitempty"`
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	// Notice is for how long somebody who keeps what they read is told whom to forget.
	Notice   time.Duration `json:"notice"`
	Meetings []string      `json:"meetings"`
	// Loose are the sequences of events by type whose meetings have expired.
	Loose []uint64 `json:"loose,omitempty"`

	sequence uint64
}

// Place is how far an order has come.
type Place struct {
	// Next is how many of the meetings were gone through, and Waiting are those of them that are
	// watched: it is done there once they are over.
	Next    int      `json:"next"`
	Waiting []string `json:"waiting,omitempty"`

	sequence uint64
}

// PlaceOrder stores an order, and gives it an id.
func (p *Publisher) PlaceOrder(ctx context.Context, o Order) (Order, error) {
	o.ID = nuid.Next()
	payload, err := json.Marshal(o)
	if err != nil {
		return o, err
	}
	ack, err := p.put(ctx, &nats.Msg{Subject: ingest + orderPrefix + o.ID, Data: payload})
	if err != nil {
		return o, fmt.Errorf("store the order: %w", err)
	}
	o.sequence = ack.Sequence
	return o, nil
}

// Orders returns the orders that are not done yet, oldest first.
func (p *Publisher) Orders(ctx context.Context) ([]Order, error) {
	var out []Order
	for m, err := range p.messages(ctx, 1, orderPrefix+"*") {
		if err != nil {
			return out, err
		}
		o := Order{ID: lastToken(m.Subject), sequence: m.Seq}
		if err := json.Unmarshal(m.Data, &o); err != nil {
			return out, fmt.Errorf("the order at %d: %w", m.Seq, err)
		}
		out = append(out, o)
	}
	return out, nil
}

// PlaceOf is how far an order has come.
func (p *Publisher) PlaceOf(ctx context.Context, o Order) (Place, error) {
	var at Place
	m, err := p.lastMessage(ctx, placePrefix+o.ID)
	if err != nil || m == nil {
		return at, err
	}
	at.sequence = m.Seq
	if err := json.Unmarshal(m.Data, &at); err != nil {
		return at, fmt.Errorf("how far an order has come, at %d: %w", m.Seq, err)
	}
	return at, nil
}

// Advance stores how far an order has come. Somebody else who works on it may have come further:
// then that is returned.
func (p *Publisher) Advance(ctx context.Context, o Order, at Place) (Place, error) {
	payload, err := json.Marshal(at)
	if err != nil {
		return at, err
	}
	msg := nats.NewMsg(ingest + placePrefix + o.ID)
	msg.Data = payload
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(at.sequence, 10))
	ack, err := p.put(ctx, msg)
	switch {
	case errors.Is(err, errOtherFirst):
		return p.PlaceOf(ctx, o)
	case err != nil:
		return at, fmt.Errorf("store how far an order has come: %w", err)
	}
	at.sequence = ack.Sequence
	return at, nil
}

// EndOrder overwrites an order that is done, and removes how far it had come.
func (p *Publisher) EndOrder(ctx context.Context, o Order) error {
	if err := p.overwriteAt(ctx, o.sequence, nil); err != nil {
		return fmt.Errorf("overwrite the order: %w", err)
	}
	at, err := p.PlaceOf(ctx, o)
	if err == nil && at.sequence > 0 {
		err = p.deleteAt(ctx, at.sequence, false)
	}
	return err
}
