package service

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/c4342123/rollcall/events"
)

const (
	// readsWaiting bounds the reads that wait to be told: a minute and more of a busy page while NATS
	// does not answer.
	readsWaiting = 1024
	// readsGrace is how long those that wait may take when the service stops.
	readsGrace = 3 * time.Second
)

// readTeller stores who read what; a [publisher.Publisher] is one.
type readTeller interface {
	TellRead(ctx context.Context, read events.Access, at time.Time) error
}

// reads tells as events who is shown what, and makes nobody wait for that. What cannot be stored
// stands in the log.
type reads struct {
	waiting chan oneRead
	lost    atomic.Uint64
	log     *slog.Logger
}

type oneRead struct {
	events.Access
	at time.Time
}

// newReads returns nil where no events are wanted.
func newReads(wanted bool, log *slog.Logger) *reads {
	if !wanted {
		return nil
	}
	return &reads{waiting: make(chan oneRead, readsWaiting), log: log}
}

// listener is what is told of each read; nil where nothing is.
func (r *reads) listener() func(events.Access) {
	if r == nil {
		return nil
	}
	return r.note
}

// note takes a read to be told. It does not block.
func (r *reads) note(read events.Access) {
	one := oneRead{read, time.Now()}
	select {
	case r.waiting <- one:
	default:
		r.lose(one, "too many wait to be stored")
	}
}

// start tells what is noted until the returned function is called, which tells what still waits.
func (r *reads) start(to readTeller) (stop func()) {
	if r == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopping, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case one := <-r.waiting:
				r.tell(ctx, to, one)
			case <-stopping:
				r.drain(ctx, to)
				return
			}
		}
	}()
	return func() {
		defer cancel()
		grace := time.AfterFunc(readsGrace, cancel)
		defer grace.Stop()
		close(stopping)
		<-ended
	}
}

// drain tells what waits, or says that it cannot once ctx has ended.
func (r *reads) drain(ctx context.Context, to readTeller) {
	for {
		select {
		case one := <-r.waiting:
			r.tell(ctx, to, one)
		default:
			return
		}
	}
}

func (r *reads) tell(ctx context.Context, to readTeller, one oneRead) {
	if err := to.TellRead(ctx, one.Access, one.at); err != nil {
		r.lose(one, err.Error())
	}
}

// lose says that a read has no event.
func (r *reads) lose(one oneRead, why string) {
	r.lost.Add(1)
	r.log.Warn("a read could not be stored as an event", "what", one.What, "by", one.By, "name", one.Name, "meeting", one.Meeting, "at", one.at.UTC(), "error", why)
}

// unrecorded is how many reads have no event.
func (r *reads) unrecorded() uint64 {
	if r == nil {
		return 0
	}
	return r.lost.Load()
}
