package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
	"github.com/c4342123/rollcall/poller/condition"
)

const (
	// storeTimeout bounds one exchange with NATS, sendTimeout one with a robot. A stop waits for
	// one of each and for the release.
	storeTimeout = 1500 * time.Millisecond
	sendTimeout  = 4 * time.Second
	// beat is how often an owner writes its entry at least, takeover how long it has to be silent
	// until another process takes its place.
	beat     = 2 * time.Second
	takeover = 8 * time.Second
	// retryPause stands between two attempts to go on after something failed.
	retryPause = time.Second
	// maxBatchEvents bounds the events of one batch, and so the size of an entry.
	maxBatchEvents = 500
)

// sender sends messages to a robot; see [robot.Client.Send].
type sender interface {
	Send(ctx context.Context, m robot.Message) error
}

// timing is the clock. Its functions go together.
type timing struct {
	now func() time.Time
	// sleep waits, or returns false when ctx ends before.
	sleep func(ctx context.Context, d time.Duration) bool
}

// worker tells one robot. Its methods are called by one goroutine.
type worker struct {
	target
	rules  *Rules
	id     string // of this process
	sender sender
	open   func(context.Context) (jetstream.Stream, bucket, error)
	quota  *quota                                                      // of the month's pushes; nil when it is not known
	goOn   func(context.Context, diff.Position) (diff.Position, error) // see [reading.GoOn]
	timing
	logger   *slog.Logger
	reporter condition.Reporter

	entry entry
	st    state
	saved time.Time // when the entry was last written
	// The revision of the entry that this process wrote last; 0 for none, or when another wrote
	// since.
	wrote uint64
	other *state // the entry of another process, as it was seen last
	said  memory

	reader *reader
	titles titles
	batch  []item          // what will be told next
	over   map[string]bool // the meetings of batch that are over
	brief  bool            // there was a digest last
	due    time.Time       // when it is to be told
	old    int             // events that were too old to be told, since that was last said
}

// run tells the robot until ctx ends.
func (w *worker) run(ctx context.Context) {
	what := "telling a robot: " + w.name
	for ctx.Err() == nil {
		switch err := w.turn(ctx, what); {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errLost):
			w.logger.Info("another process tells the robot now", "robot", w.name)
		default:
			w.reporter.Failed(what, err)
		}
		w.sleep(ctx, retryPause)
	}
}

// turn waits until this process may tell the robot, and does so until something fails.
func (w *worker) turn(ctx context.Context, what string) error {
	stream, bucket, err := w.open(ctx)
	if err != nil {
		return err
	}
	w.entry.bucket, w.entry.key = bucket, w.name
	if err := w.acquire(ctx, stream); err != nil {
		return err
	}
	defer w.release(ctx)
	if err := w.said.load(ctx, bucket, w.name); err != nil {
		return err
	}
	if w.reader, err = read(ctx, stream, w.name, w.st.position(), w.rules.batch); err != nil {
		return err
	}
	w.titles = titles{stream: stream}
	w.reporter.OK(what)
	w.logger.Info("telling the robot", "robot", w.name, "after", w.st.Cursor)
	for ctx.Err() == nil {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step does what is to be done next, or waits for at most a beat.
func (w *worker) step(ctx context.Context) (err error) {
	now := w.now()
	wait := w.wait(now)
	switch {
	case wait > 0 && (len(w.batch) == 0 || len(w.st.Outbox) > 0): // what happens waits in the stream, and makes one message
		w.sleep(ctx, min(wait, beat))
	case len(w.st.Outbox) > 0:
		err = w.deliver(ctx)
	default:
		err = w.collect(ctx)
	}
	if err != nil || ctx.Err() != nil || w.now().Sub(w.saved) < beat {
		return err
	}
	return w.save(ctx)
}

// wait returns for how long nothing may be sent.
func (w *worker) wait(now time.Time) time.Duration {
	if w.quiet.at(now) {
		return beat
	}
	free := int64(0)
	if slots := w.slots(now); len(slots) >= robot.Limit {
		free = slots[len(slots)-robot.Limit]
	}
	return time.UnixMilli(max(w.st.BlockedUntil, w.st.NextTry, free)).Sub(now)
}

// save writes the entry. What was read and is not to be told is behind it then.
func (w *worker) save(ctx context.Context) error {
	if len(w.batch) == 0 {
		w.st.Cursor, w.st.Stored = w.reader.seen, w.reader.stored
		if w.st.Cursor >= w.st.AheadTo {
			w.st.Ahead = nil
		}
	}
	if err := w.write(ctx, w.st); err != nil {
		return err
	}
	if w.brief { // what waits for hours would be delivered again and again; where to go on from the entry says
		w.reader.done(w.reader.seen)
	} else {
		w.reader.done(w.st.Cursor)
	}
	return nil
}

// write replaces the entry.
func (w *worker) write(ctx context.Context, st state) error {
	if err := w.entry.save(ctx, st); err != nil {
		return err
	}
	w.saved, w.wrote, w.other = w.now(), w.entry.revision, nil
	return nil
}

// acquire waits until no other process tells the robot and puts this one's name into the entry.
func (w *worker) acquire(ctx context.Context, stream jetstream.Stream) error {
	var watched uint64 // the revision that was last seen to be new
	var since time.Time
	for ctx.Err() == nil {
		st, found, err := w.load(ctx)
		if err != nil {
			return err
		}
		if revision := w.entry.revision; since.IsZero() || revision != watched {
			watched, since = revision, w.now()
		}
		if st.Owner == "" || st.Owner == w.id || w.now().Sub(since) >= takeover {
			if err = w.claim(ctx, st, found, stream); !errors.Is(err, errLost) {
				return err
			}
		}
		w.sleep(ctx, beat)
	}
	return ctx.Err()
}

// load reads the entry. One that is gone with its bucket is as it was when this process wrote or
// saw it last: the process that told the robot goes on at once, and the others only once that one
// has had the time to.
func (w *worker) load(ctx context.Context) (st state, found bool, err error) {
	st, found, err = w.entry.load(ctx)
	switch {
	case err != nil:
	case w.wrote > 0 && (!found || w.entry.revision == w.wrote):
		return w.st, true, nil
	case found:
		w.batch, w.wrote, w.other = nil, 0, &st
	case w.other != nil:
		return *w.other, true, nil
	}
	return st, found, err
}

// claim puts this process's name into the entry.
func (w *worker) claim(ctx context.Context, st state, found bool, stream jetstream.Stream) error {
	infoCtx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	info, err := stream.Info(infoCtx)
	if err != nil {
		return fmt.Errorf("look at the stream %s: %w", events.Stream, err)
	}
	at := diff.Position{Stream: info.Created, Sequence: info.State.LastSeq, Stored: info.State.LastTime}
	if found { // a robot that is new is not told what happened before
		if at, err = w.goOn(ctx, st.position()); err != nil {
			return err
		}
		// What waited for more is read again; of another stream it may not be there any more.
		if at == st.position() {
			w.batch = nil
		}
	}
	st.Stream, st.Cursor, st.Stored = at.Stream, at.Sequence, at.Stored
	st.Owner = w.id
	if err := w.write(ctx, st); err != nil {
		return err
	}
	w.st = st
	return nil
}

// release takes this process's name out of the entry, so that another need not wait. What it cannot
// do the others find out by themselves.
func (w *worker) release(ctx context.Context) {
	w.st.Owner = ""
	if err := w.write(ctx, w.st); err != nil && !errors.Is(err, errLost) {
		w.logger.Debug("the robot is not released", "robot", w.name, "error", err)
	}
}
