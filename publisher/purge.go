package publisher

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// purgeStream removes messages of one subject.
const purgeStream = "$JS.API.STREAM.PURGE." + events.Stream

// expiresWhole tells whether meetings expire as a whole, by being removed, instead of every message
// having its own time to live.
func (p *Publisher) expiresWhole() bool { return p.format() >= formatChained }

// keptWhole tells whether what is stored of a meeting on a state expires with the meeting. A state
// that is sealed or chained is stored only where meetings do, which this replica may not know yet.
func (p *Publisher) keptWhole(base Record) bool {
	return p.expiresWhole() || !base.Key.IsZero() || base.State.Chain.Begun()
}

// markExpired replaces a meeting's state by one that says that the meeting has expired, unless the
// state has changed since it was read, which is [ErrConflict]. It returns the revision of the new
// state. What was stored of the meeting lies before that.
func (p *Publisher) markExpired(ctx context.Context, base Record) (uint64, error) {
	j := newJob(base)
	// It is not sealed: there is nobody in it, and the key is removed before it.
	if err := j.addState(diff.NewExpired(j.meeting), p.blind); err != nil {
		return 0, err
	}
	revision, err := p.commitJob(ctx, j)
	return revision, wrapMeeting(j.meeting, err)
}

// purgeMeeting removes what is stored of a meeting before a sequence, but for its state, each
// subject by itself. It is complete, or returns an error.
func (p *Publisher) purgeMeeting(ctx context.Context, id string, before uint64, rest Rest) error {
	subjects, err := p.subjectsOf(ctx, events.OfMeeting(id))
	if err != nil {
		return err
	}
	subjects = append(subjects, KeySubject(id))
	for _, subject := range subjects {
		if err := p.purge(ctx, subject, before, rest); err != nil {
			return err
		}
	}
	return p.purgeSince(ctx, id, before, rest)
}

// subjectsOf returns the subjects below a filter that something is stored on.
func (p *Publisher) subjectsOf(ctx context.Context, filter string) ([]string, error) {
	state, err := p.streamState(ctx, filter)
	return slices.Sorted(maps.Keys(state.Subjects)), err
}

// streamState is what the leader knows of the stream, and of the subjects below a filter.
func (p *Publisher) streamState(ctx context.Context, filter string) (jetstream.StreamState, error) {
	var answer struct {
		Error *apiError             `json:"error"`
		State jetstream.StreamState `json:"state"`
	}
	err := p.ask(ctx, streamInfo, map[string]any{"subjects_filter": filter}, &answer)
	if err == nil && answer.Error != nil {
		err = p.checkGone(answer.Error.err())
	}
	return answer.State, err
}

// purge removes the messages of one subject that are stored before a sequence. rest is called with how
// long that took; nil asks for no pause.
func (p *Publisher) purge(ctx context.Context, subject string, before uint64, rest Rest) error {
	var answer struct {
		Error   *apiError `json:"error"`
		Success bool      `json:"success"`
	}
	began := time.Now()
	// Without a filter, or without a sequence, the server would remove more than is meant.
	err := p.ask(ctx, purgeStream, map[string]any{"filter": subject, "seq": max(before, 1)}, &answer)
	switch {
	case err != nil:
		return err
	case answer.Error != nil:
		return p.checkGone(answer.Error.err())
	case !answer.Success:
		return fmt.Errorf("the server did not remove %s up to %d", subject, before)
	case rest == nil:
		return nil
	}
	return rest(ctx, time.Since(began))
}

// sweepTypes removes from the view by type what was stored of meetings before a time. Events of no
// meeting have times to live of their own.
func (s *Sweeper) sweepTypes(ctx context.Context, before time.Time) error {
	bound, err := s.p.firstSince(ctx, before)
	if err != nil {
		return err
	}
	for _, t := range events.Types() {
		if !t.Chained() {
			continue
		}
		first, err := s.p.getMessage(ctx, map[string]any{"seq": 1, "next_by_subj": string(t)})
		if err == nil && first != nil && first.Seq < bound {
			err = s.p.purge(ctx, string(t), bound, s.rest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// firstSince is the sequence of the first message that was stored at a time or later; the one after
// the last if there is none.
func (p *Publisher) firstSince(ctx context.Context, at time.Time) (uint64, error) {
	st, err := p.stream(ctx)
	if err != nil {
		return 0, err
	}
	end := st.CachedInfo().State.LastSeq + 1
	m, err := p.getMessage(ctx, map[string]any{"start_time": at, "next_by_subj": ">"})
	if err != nil || m == nil {
		return end, err
	}
	return m.Seq, nil
}
