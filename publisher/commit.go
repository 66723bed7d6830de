package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/c4342123/rollcall/diff"
	"github.com/cenkalti/backoff/v4"
)

// Commit stores the outcome of a comparison with base: its events and its state, all or nothing. A
// result without events and without change is not stored. It returns the record to compare the next
// look with.
//
// The publisher's Run has to be running. Errors: [ErrConflict], [ErrUnknownOutcome],
// [ErrUnavailable], [ErrStateLost], [ErrTooLarge], [ErrStopped], a [*ServerError], and the cause of
// ctx when it ended before anything was sent. A result too large for one batch is stored in
// consistent parts, in order; with an error, some of the first parts may be stored, and loading and
// comparing again goes on from there.
func (p *Publisher) Commit(ctx context.Context, base Record, res diff.Result) (Record, error) {
	if err := checkStep(base.State, diff.Step{Events: res.Events, State: res.State}); err != nil {
		return base, fmt.Errorf("commit: %w", err)
	}
	if len(res.Events) == 0 && !res.Changed {
		return Record{State: res.State, Revision: base.Revision, EventsExpire: base.EventsExpire, Key: base.Key}, nil
	}
	for {
		limit := p.batchLimit.Load()
		rec, err := p.commitSteps(ctx, base, res, int(limit))
		if !errors.Is(err, errBatchTooLarge) || limit <= minBatch {
			return rec, err
		}
		if rec.Revision != base.Revision {
			// The limit sank on the way. What is stored is the state to compare with.
			return rec, fmt.Errorf("%w: only a part is stored: %w", ErrConflict, err)
		}
	}
}

// commitSteps stores a result in parts of at most one batch each and returns how far it came.
func (p *Publisher) commitSteps(ctx context.Context, base Record, res diff.Result, limit int) (Record, error) {
	steps := res.Steps((limit - besides) / 2) // every event is two messages
	if err := checkSteps(base, res, steps); err != nil {
		return base, fmt.Errorf("commit: %w", err)
	}
	if base.Revision > 0 && base.State.Phase == diff.Expired {
		// It begins anew, and nothing of what it was is to be found among what it will be.
		if err := p.purgeMeeting(ctx, base.State.ConferenceID, base.Revision, nil); err != nil {
			return base, wrapMeeting(base.State.ConferenceID, err)
		}
	}
	for _, step := range steps {
		var err error
		if base, err = p.commitStep(ctx, base, step); err != nil {
			return base, err
		}
	}
	return base, nil
}

// commitStep stores one step on top of base and returns what is stored then.
func (p *Publisher) commitStep(ctx context.Context, base Record, step diff.Step) (Record, error) {
	if slices.ContainsFunc(step.Events, sealable) {
		if err := p.keepKey(ctx); err != nil {
			return base, wrapMeeting(base.State.ConferenceID, err)
		}
	}
	j, err := p.build(base, step)
	if err != nil {
		return base, err
	}
	revision, err := p.commitJob(ctx, j)
	if err != nil {
		return base, fmt.Errorf("commit meeting %s: %w", j.meeting, err)
	}
	return Record{State: j.next, Revision: revision, EventsExpire: int64(j.expiry), Key: j.key}, nil
}

// commitJob hands a job to the committer and waits for its outcome.
func (p *Publisher) commitJob(ctx context.Context, j *job) (uint64, error) {
	select {
	case p.jobs <- j:
	case <-p.stopped:
		return 0, ErrStopped
	case <-ctx.Done():
		return 0, fmt.Errorf("not sent: %w", context.Cause(ctx))
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if p.withdraw(j) {
			return 0, fmt.Errorf("not sent: %w", context.Cause(ctx))
		}
		select {
		case <-j.done:
		default:
			return 0, fmt.Errorf("%w: %w", ErrUnknownOutcome, context.Cause(ctx))
		}
	}
	return j.revision, j.err
}

func wrapMeeting(conferenceID string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("commit meeting %s: %w", conferenceID, err)
}

// Update applies want to the state of base and commits what follows. When somebody else was first
// it loads the state, applies want to that and tries again, a bounded number of times with growing,
// jittered pauses. The returned result is what want gave last, the errors are those of
// [Publisher.Commit] and [Publisher.Load], and [diff.ErrLost] when what is stored is older than
// base: then nothing is stored, and the record is what is stored now.
func (p *Publisher) Update(ctx context.Context, base Record, want diff.Intent) (Record, diff.Result, error) {
	again := afterConflict()
	for {
		res := want.Apply(base.State)
		rec, err := p.Commit(ctx, base, res)
		if !errors.Is(err, ErrConflict) {
			return rec, res, err
		}
		pause := again.NextBackOff()
		if pause == backoff.Stop {
			return rec, res, err
		}
		if err := sleep(ctx, pause); err != nil {
			return rec, res, wrapMeeting(base.State.ConferenceID, err)
		}
		if base, err = p.reload(ctx, base); err != nil {
			return base, res, err
		}
	}
}
