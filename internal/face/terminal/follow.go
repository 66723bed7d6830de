// Package terminal follows the events as they are stored, and shows them to a person.
package terminal

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/poller/condition"
)

// ErrNoStream says that the NATS server has no events of Rollcall.
var ErrNoStream = reading.ErrNoStream

// Options of a [Follower]. The zero value follows every meeting from now on.
type Options struct {
	// Meeting is the conferenceId of the one meeting to follow; empty stands for all.
	Meeting string
	// From makes the events that were stored since then come first; the zero time leaves out what
	// is stored already.
	From time.Time
	// Reporter is told of interruptions; it may be nil.
	Reporter condition.Reporter
}

// Follower follows the events of the stream.
type Follower struct{ reader *reading.Reader }

// Open finds where [Follower.Run] begins: no event stored after Open is missed. It returns
// [ErrNoStream] when there is no stream.
func Open(ctx context.Context, nc *nats.Conn, opts Options) (*Follower, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("following the events: %w", err)
	}
	reader, err := reading.Open(ctx, js, reading.Options{
		Subjects: reading.Subjects(opts.Meeting), Live: true, New: opts.From.IsZero(), Since: opts.From, Reporter: opts.Reporter,
	})
	if err != nil {
		return nil, err
	}
	return &Follower{reader}, nil
}

// Run calls handle for every event in the order of the stream, history before what is new, until
// ctx ends or handle returns an error, which Run returns. An interruption, however long, loses
// nothing and repeats nothing. Nor does a stream that is deleted or goes back to a backup: events
// that are announced again are left out, as far as they are among the latest tens of thousands. Run
// can be called once.
func (f *Follower) Run(ctx context.Context, handle func(payload []byte) error) error {
	var shown reading.Recent[struct{}]
	return f.reader.Run(ctx, func(m reading.Message) error {
		if id := m.ID(); id != "" {
			if _, again := shown.Note(id, struct{}{}); again {
				return nil
			}
		}
		return handle(m.Data)
	})
}
