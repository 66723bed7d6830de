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

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

const (
	// sweepSubject is where a sweeper notes which meetings it is about to remove: if it is killed,
	// the next one finds those that were removed in part.
	sweepSubject = "rollcall.sweep"
	// storedMeetings is the filter for the states of meetings, without the mark among them.
	storedMeetings = statePrefix + "*.*"
	// sweepAtOnce is how many meetings are noted, and then removed one after the other.
	sweepAtOnce = 50
	// typesEvery is the least time between two removals from the view by type: each takes the server
	// as long as reading a block of the stream, and publishers wait for it.
	typesEvery = time.Minute
)

// Sweeper removes what has expired, of a stream whose meetings expire as a whole: meetings that are
// not watched any more, when everything of them was stored before the retention began, and from the
// view by type what was. One replica at a time is to sweep; two do no harm. It is for one goroutine.
type Sweeper struct {
	p    *Publisher
	rest Rest
	// ahead is added to the server's clock by tests, and atOnce is sweepAtOnce.
	ahead  time.Duration
	atOnce int
	// Of meetings that are watched, or whose state cannot be read: the revision that was found so.
	standing map[string]uint64
	typed    time.Time // when the view by type was last swept; zero before the first time
	noted    uint64    // sequence of the note that was read or left last; 0 for none
	settled  bool      // nothing is left of the meetings in that note
	// Of meetings from which somebody was erased: what was noted then, up to the sequence that was read.
	renewed map[string]renewal
	read    uint64
}

// Swept is what a pass of a [Sweeper] did.
type Swept struct {
	// Meetings is how many meetings were removed, with their states.
	Meetings int
	// Due is for how long the meeting that has waited longest has been due when the pass began; 0
	// when none was.
	Due time.Duration
	// More says that there is more to be removed: the pass was long enough.
	More bool
}

// NewSweeper returns a sweeper of what p stores.
func NewSweeper(p *Publisher) *Sweeper { return &Sweeper{p: p, rest: rest, atOnce: sweepAtOnce} }

// rest leaves the publishers as much time as the server took, or up to twice that.
func rest(ctx context.Context, took time.Duration) error { return sleep(ctx, 2*took) }

// Sweep makes one pass: it completes what an earlier one has begun, removes up to some dozens of the
// meetings that are due, oldest first, and, about once a minute, what is due of the view by type. It
// can be killed at any moment, and goes on with the next pass. Without a retention, and while events
// expire by themselves, it has nothing to remove.
func (s *Sweeper) Sweep(ctx context.Context) (Swept, error) {
	var out Swept
	if !s.p.expiresWhole() {
		return out, nil
	}
	if err := s.resume(ctx); err != nil {
		return out, fmt.Errorf("removing what has expired: %w", err)
	}
	if s.p.opts.Retention == 0 {
		return out, nil
	}
	err := s.pass(ctx, &out)
	if errors.Is(err, errOtherFirst) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("removing what has expired: %w", err)
	}
	return out, err
}

func (s *Sweeper) pass(ctx context.Context, out *Swept) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	before := now.Add(-s.p.opts.Retention)
	due, oldest, err := s.due(ctx, before)
	if err == nil {
		due, oldest, err = s.dueRenewed(ctx, before, due, oldest)
	}
	if err != nil {
		return err
	}
	if len(due) > 0 {
		out.Due = before.Sub(oldest)
		if err := s.note(ctx, due); err != nil {
			return err
		}
	}
	for _, rec := range due {
		removed, err := s.expire(ctx, rec)
		if err != nil {
			return err
		}
		if removed {
			out.Meetings++
		}
	}
	s.settled = true
	out.More = len(due) == s.atOnce
	if s.typed.IsZero() || time.Since(s.typed) >= typesEvery {
		s.typed = time.Now()
		return s.sweepTypes(ctx, before)
	}
	return nil
}

// now is the time by the server's clock, by which it says when a message was stored.
func (s *Sweeper) now(ctx context.Context) (time.Time, error) {
	st, err := s.p.stream(ctx)
	if err != nil {
		return time.Time{}, err
	}
	return st.CachedInfo().TimeStamp.Add(s.ahead), nil
}

// due returns the meetings that are due, and when the oldest of them was last stored. Everything of
// a meeting is stored before its newest state or together with it. States lie in the stream in the
// order in which they were stored, so that nothing is read but those that are due, and those of
// watched meetings that have not changed for as long.
func (s *Sweeper) due(ctx context.Context, before time.Time) (due []diff.Record, oldest time.Time, err error) {
	standing := make(map[string]uint64, len(s.standing))
	defer func() { s.standing = standing }()
	for m, err := range s.p.messages(ctx, 1, storedMeetings) {
		if err != nil || !m.Time.Before(before) {
			return due, oldest, err
		}
		id, err := meetingOf(m.Subject)
		if err != nil {
			continue
		}
		if s.standing[id] == m.Seq {
			standing[id] = m.Seq
			continue
		}
		rec, err := s.p.Load(ctx, id)
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion), err == nil && rec.State.Phase == diff.Watched:
			standing[id] = m.Seq
		case err != nil:
			return due, oldest, err
		case rec.Revision == m.Seq:
			if len(due) == 0 {
				oldest = m.Time
			}
			if due = append(due, rec); len(due) == s.atOnce {
				return due, oldest, nil
			}
		}
	}
	return due, oldest, nil
}

// expire removes a meeting unless its state has changed since it was read, and tells whether it
// did.
func (s *Sweeper) expire(ctx context.Context, rec diff.Record) (bool, error) {
	if rec.State.Phase != diff.Expired {
		began := time.Now()
		revision, err := s.p.markExpired(ctx, rec)
		if errors.Is(err, ErrConflict) {
			return false, nil // it is watched again
		}
		if err == nil {
			err = s.rest(ctx, time.Since(began))
		}
		if err != nil {
			return false, err
		}
		rec = diff.Record{State: diff.NewExpired(rec.State.ConferenceID), Revision: revision}
	}
	return true, s.remove(ctx, rec)
}

// remove removes all that is left of a meeting whose state says that it has expired, that state last.
func (s *Sweeper) remove(ctx context.Context, rec diff.Record) error {
	id := rec.State.ConferenceID
	if err := s.p.purgeMeeting(ctx, id, rec.Revision, s.rest); err != nil {
		return err
	}
	return s.p.purge(ctx, StateSubject(id), rec.Revision+1, s.rest)
}

// sweepNote says which meetings are being removed.
type sweepNote struct {
	Meetings []string `json:"meetings"`
}

// note leaves word of the meetings that are removed next, in place of the note before.
func (s *Sweeper) note(ctx context.Context, due []diff.Record) error {
	var n sweepNote
	for _, rec := range due {
		n.Meetings = append(n.Meetings, rec.State.ConferenceID)
	}
	payload, err := json.Marshal(n)
	if err != nil {
		return err
	}
	msg := nats.NewMsg(ingest + sweepSubject)
	msg.Data = payload
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	began := time.Now()
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(s.noted, 10))
	ack, err := s.p.put(ctx, msg)
	if err != nil {
		return err
	}
	s.noted, s.settled = ack.Sequence, false
	return s.rest(ctx, time.Since(began))
}

// resume completes what was begun when the last note was left. A meeting that is not marked as
// expired has not been begun with, is removed already, or is watched again: then whoever began to
// watch it has removed what was left.
func (s *Sweeper) resume(ctx context.Context) error {
	m, err := s.p.lastMessage(ctx, sweepSubject)
	switch {
	case err != nil:
		return err
	case m == nil:
		s.noted, s.settled = 0, true
	case m.Seq != s.noted:
		s.noted, s.settled = m.Seq, false
	}
	if s.settled {
		return nil
	}
	var n sweepNote
	if err := json.Unmarshal(m.Data, &n); err != nil {
		s.p.log.Warn("it cannot be read which meetings were being removed", "error", err)
	}
	for _, id := range n.Meetings {
		if events.CheckConferenceID(id) != nil {
			continue
		}
		rec, err := s.p.Load(ctx, id)
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion):
		case err != nil:
			return err
		case rec.Revision > 0 && rec.State.Phase == diff.Expired:
			if err := s.remove(ctx, rec); err != nil {
				return err
			}
		}
	}
	s.settled = true
	return nil
}
