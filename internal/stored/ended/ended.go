// Package ended finds meetings that are over.
package ended

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

const (
	// maxKept bounds how many meetings are known: those that ended last.
	maxKept = 50_000
	// patience is how long an interruption may last while events are read.
	patience = 5 * time.Second
)

// Meeting is a meeting that is over. Its StartTime and EndTime are those of its report.
type Meeting struct {
	events.Meeting
	Ended time.Time // when that was recorded
	// Duration is how long the meeting went on, in milliseconds, as its report has it.
	Duration int64

	sequence uint64 // of its end, in the stream
}

type creator struct{ id, nick string }

// Options of an [Index].
type Options struct {
	// Retention is how long events are kept; 0 means without end.
	Retention time.Duration
	// Kept bounds how many meetings are known, those that ended last; 50,000 when 0.
	Kept int
}

// Index knows the meetings that are over. It reads what has been stored since whenever it is asked,
// and keeps that. It is safe for concurrent use.
type Index struct {
	js   jetstream.JetStream
	opts Options
	turn chan struct{}   // held while what follows is used
	last diff.Position   // up to where the stream was read
	list []Meeting       // in the order of the stream
	over map[string]bool // meetings of the list that were not watched again
	// creators are those of the meetings that have started and not ended yet.
	creators map[string]creator

	mu    sync.Mutex
	spans map[string]span // of meetings that were found
}

// New returns an index that has read nothing yet.
func New(js jetstream.JetStream, opts Options) *Index {
	opts.Kept = cmp.Or(opts.Kept, maxKept)
	return &Index{js: js, opts: opts, turn: make(chan struct{}, 1), over: map[string]bool{}, creators: map[string]creator{}, spans: map[string]span{}}
}

// Search returns up to limit meetings whose id, title or creator contains the text, whatever the
// case, those that ended last first, each once. A meeting that is watched again is not over. It
// returns an error when the stream cannot be read, and the error of ctx.
func (x *Index) Search(ctx context.Context, text string, limit int) ([]Meeting, error) {
	found, err := x.find(ctx, text, limit)
	if err != nil {
		return nil, err
	}
	return found, x.measure(ctx, found)
}

// find is Search by the events of the ends alone.
func (x *Index) find(ctx context.Context, text string, limit int) ([]Meeting, error) {
	select {
	case x.turn <- struct{}{}:
		defer func() { <-x.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := x.update(ctx); err != nil {
		return nil, err
	}
	out, seen := []Meeting{}, map[string]bool{}
	for i := len(x.list) - 1; i >= 0 && len(out) < limit; i-- {
		m := &x.list[i]
		if x.opts.Retention > 0 && time.Since(m.Ended) > x.opts.Retention {
			break
		}
		if x.over[m.ConferenceID] && !seen[m.ConferenceID] && Matches(text, m.ConferenceID, m.Title, m.CreatorNick, m.CreatorID) {
			seen[m.ConferenceID] = true
			out = append(out, *m)
		}
	}
	return out, nil
}

// Matches tells whether a text is part of any of the names of a meeting, whatever the case.
func Matches(text string, names ...string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(strings.ToLower(name), text) })
}

// update reads what has been stored since. Another stream in place of the one before is read from
// its beginning.
func (x *Index) update(ctx context.Context) error {
	err := x.read(ctx)
	if errors.Is(err, reading.ErrReplaced) {
		x.reset()
		err = x.read(ctx)
	}
	if errors.Is(err, reading.ErrNoStream) {
		x.reset()
		return nil
	}
	return err
}

// reset forgets what was read: it is of a stream that is gone.
func (x *Index) reset() {
	x.last, x.list, x.over, x.creators = diff.Position{}, nil, map[string]bool{}, map[string]creator{}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.spans = map[string]span{}
}

func (x *Index) read(ctx context.Context) error {
	r, err := reading.Open(ctx, x.js, reading.Options{
		Subjects: reading.Subjects("", events.MeetingStarted, events.MeetingUpdated, events.MeetingEnded), After: x.last, Patience: patience,
	})
	if err != nil {
		return err
	}
	err = r.Run(ctx, x.add)
	x.last = r.Position()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	x.last = r.End()
	return nil
}

func (x *Index) add(m reading.Message) error {
	e, err := events.Decode(m.Data)
	if err != nil || e.Meeting == nil {
		return nil //nolint:nilerr // somebody else's message is no meeting of ours
	}
	id, by := e.Meeting.ConferenceID, creator{e.Meeting.CreatorID, e.Meeting.CreatorNick}
	switch {
	case e.Type == events.MeetingStarted:
		delete(x.over, id)
		x.creators[id] = by
		return nil
	case e.Type == events.MeetingUpdated && x.over[id]: // the creator was forgotten
		x.forget(id)
		return nil
	case e.Type == events.MeetingUpdated && e.Meeting.EndTime == 0:
		x.creators[id] = by
		return nil
	}
	if (by == creator{}) { // as it is by now, in the end of a meeting
		by = x.creators[id]
	}
	e.Meeting.CreatorID, e.Meeting.CreatorNick = by.id, by.nick
	delete(x.creators, id)
	if len(x.list) >= x.opts.Kept+x.opts.Kept/8 { // to move what is kept only once in a while
		x.trim()
	}
	x.list = append(x.list, Meeting{Meeting: *e.Meeting, Ended: e.RecordedTime, sequence: m.Sequence})
	x.over[id] = true
	return nil
}

// forget removes who created a meeting of the list.
func (x *Index) forget(id string) {
	for i := range x.list {
		if m := &x.list[i]; m.ConferenceID == id {
			m.CreatorID, m.CreatorNick = "", ""
		}
	}
}

// trim keeps the meetings that ended last.
func (x *Index) trim() {
	x.list = append(x.list[:0], x.list[len(x.list)-x.opts.Kept+1:]...)
	over := make(map[string]bool, len(x.list))
	for i := range x.list {
		if id := x.list[i].ConferenceID; x.over[id] {
			over[id] = true
		}
	}
	x.over = over
}
