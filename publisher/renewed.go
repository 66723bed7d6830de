package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/diff"
)

// sincePrefix is what it is noted on, by meeting, since when nothing happened in it. To erase
// somebody stores the meeting's state anew, by whose time of storing a meeting expires, and others'
// events must not be kept any longer for it. The note stands directly before that state: with any
// other it means nothing.
const sincePrefix = "rollcall.erase.since."

// sinceNote is the note that goes with the state that a job stores on top of base.
func (p *Publisher) sinceNote(ctx context.Context, base Record) (*nats.Msg, error) {
	id := base.State.ConferenceID
	since, err := p.since(ctx, id, base.Revision)
	if err != nil {
		return nil, err
	}
	msg := nats.NewMsg(ingest + sincePrefix + id)
	msg.Data = strconv.AppendInt(nil, since.UnixNano(), 10)
	msg.Header.Set(nats.MsgRollup, nats.MsgRollupSubject)
	return msg, nil
}

// since is when a meeting's state of a revision was stored or, if that was to erase somebody, the one
// before all that were.
func (p *Publisher) since(ctx context.Context, id string, revision uint64) (time.Time, error) {
	note, err := p.lastMessage(ctx, sincePrefix+id)
	if err != nil {
		return time.Time{}, err
	}
	if note != nil && note.Seq+1 == revision {
		return sinceOf(note)
	}
	m, err := p.getMessage(ctx, map[string]any{"seq": revision})
	switch {
	case err != nil:
		return time.Time{}, err
	case m == nil || m.Subject != StateSubject(id):
		return time.Time{}, fmt.Errorf("%w: the state at %d is replaced", ErrConflict, revision)
	}
	return m.Time, nil
}

func sinceOf(note *message) (time.Time, error) {
	ns, err := strconv.ParseInt(string(note.Data), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("since when nothing happened in a meeting, at %d: %w", note.Seq, err)
	}
	return time.Unix(0, ns), nil
}

// purgeSince removes the note of a meeting that was stored before a sequence.
func (p *Publisher) purgeSince(ctx context.Context, id string, before uint64, rest Rest) error {
	note, err := p.lastMessage(ctx, sincePrefix+id)
	if err != nil || note == nil {
		return err
	}
	return p.purge(ctx, sincePrefix+id, before, rest)
}

// renewal is what a note says of a meeting.
type renewal struct {
	note  uint64 // its sequence
	since time.Time
}

// readRenewed reads the notes that were stored since it was last called.
func (s *Sweeper) readRenewed(ctx context.Context) error {
	st, err := s.p.stream(ctx)
	if err != nil {
		return err
	}
	if s.renewed == nil || st.CachedInfo().State.LastSeq < s.read {
		s.renewed, s.read = map[string]renewal{}, 0 // it is another stream, or has gone back
	}
	for m, err := range s.p.messages(ctx, s.read+1, sincePrefix+"*") {
		if err != nil {
			return err
		}
		s.read = m.Seq
		if since, err := sinceOf(m); err == nil {
			s.renewed[lastToken(m.Subject)] = renewal{m.Seq, since}
		}
	}
	return nil
}

// dueRenewed adds the meetings that are due although somebody was erased from them since, until there
// are as many as are removed at once.
func (s *Sweeper) dueRenewed(ctx context.Context, before time.Time, due []diff.Record, oldest time.Time) ([]diff.Record, time.Time, error) {
	if err := s.readRenewed(ctx); err != nil {
		return due, oldest, err
	}
	for id, r := range s.renewed {
		if len(due) >= s.atOnce {
			break
		}
		if !r.since.Before(before) {
			continue
		}
		rec, err := s.p.Load(ctx, id)
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion), err == nil && rec.Revision != r.note+1:
			delete(s.renewed, id) // it is removed already, or expires by its newer state
		case err != nil:
			return due, oldest, err
		case !slices.ContainsFunc(due, func(rec diff.Record) bool { return rec.State.ConferenceID == id }):
			if len(due) == 0 || r.since.Before(oldest) {
				oldest = r.since
			}
			due = append(due, rec)
		}
	}
	return due, oldest, nil
}
