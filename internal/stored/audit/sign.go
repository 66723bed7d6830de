package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/internal/evidence"
)

// checkpoint signs what the log is, if there is something new and the interval is over, and makes
// sure that the newest checkpoint is stored as an event. Of what it does another replica, or this
// one after a kill, can go on after any step. The caller holds mu.
func (l *Log) checkpoint(ctx context.Context) error {
	if err := l.tell(ctx); err != nil {
		return err
	}
	now := l.opts.Now()
	if l.tree.Size() == l.signed.Size || !l.due(now) {
		return nil
	}
	next := evidence.Checkpoint{Origin: l.origin, Size: l.tree.Size(), Root: l.tree.Root(), Signed: now.UTC().Truncate(time.Second)}
	note, err := next.Sign(l.opts.Signer)
	if err != nil {
		return fmt.Errorf("sign a checkpoint: %w", err)
	}
	revision, err := l.store.putCheckpoint(ctx, note, l.revision)
	if err != nil {
		return fmt.Errorf("store a checkpoint: %w", err)
	}
	if l.note == nil {
		l.opts.Logger.Info("the log of meetings begins with this checkpoint: if there was an earlier one, it was deleted", "meetings", next.Size, "signed", next.Signed)
	}
	l.signed, l.note, l.revision, l.told = next, note, revision, false
	return l.tell(ctx)
}

// due tells whether the interval since the last checkpoint is over. One that is dated far in the
// future, by a clock that was wrong, does not keep the next back.
func (l *Log) due(now time.Time) bool {
	since := now.Sub(l.signed.Signed)
	return l.note == nil || since >= l.opts.Interval || since <= -l.opts.Interval
}

// tell stores the newest checkpoint as an event, unless it is, or has expired as one.
func (l *Log) tell(ctx context.Context) error {
	if l.told || l.note == nil || l.opts.Retention > 0 && l.opts.Now().Sub(l.signed.Signed) >= l.opts.Retention {
		return nil
	}
	if err := l.opts.Teller.TellCheckpoint(ctx, string(l.note), l.signed.Size, l.signed.Signed); err != nil {
		return fmt.Errorf("tell a checkpoint: %w", err)
	}
	l.told = true
	return nil
}
