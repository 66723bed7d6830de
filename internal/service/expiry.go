package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/poller/condition"
	"github.com/c4342123/rollcall/publisher"
)

const (
	// expiryPart is the removal of what has expired.
	expiryPart = "expiry"
	// sweepEvery is how often it is looked for what has expired, at most; more often where events
	// are kept for a short time.
	sweepEvery = time.Minute
	// sweepShortest is how often at least.
	sweepShortest = time.Second
	// sweepsLate is for how long a meeting may be due until its removal counts as late.
	sweepsLate = time.Hour
	// sweepsFailed is how many passes have to fail in a row for that to be said.
	sweepsFailed = 3
	// choresShard is the shard whose owner does what one replica does for all: removes what has
	// expired, goes on erasing people, and adds to the log of meetings.
	choresShard = 0
)

var errNotRemoved = errors.New("what has expired cannot be removed; the log says more")

// sweeper removes what has expired; a [publisher.Sweeper] is one.
type sweeper interface {
	Sweep(ctx context.Context) (publisher.Swept, error)
}

// expiry removes what has expired while this replica is the one to do so.
type expiry struct {
	sweeper sweeper
	every   time.Duration
	mine    func(shard int) bool
	report  condition.Reporter
	log     *slog.Logger

	mu      sync.Mutex
	removed uint64        // meetings, since the start
	due     time.Duration // see [publisher.Swept]; 0 while another replica sweeps
	failed  int           // passes in a row
}

// newExpiry returns what removes what pub has stored, once it has expired.
func (s *service) newExpiry(ctx context.Context, pub *publisher.Publisher, f *fleet) *expiry {
	return &expiry{
		sweeper: publisher.NewSweeper(pub), every: sweepInterval(s.opts.Settings.Events.Retention), mine: f.shards.Owns, log: s.log,
		report: untilStop{ctx, explained{&s.refusals, s.changes}},
	}
}

// sweepInterval is how often it is looked for what has expired. Without a retention, what was begun
// before is completed.
func sweepInterval(retention time.Duration) time.Duration {
	if retention == 0 {
		return sweepEvery
	}
	return min(sweepEvery, max(retention/10, sweepShortest))
}

// run removes what has expired until ctx ends.
func (e *expiry) run(ctx context.Context) {
	for {
		more := false
		if e.mine(choresShard) {
			more = e.pass(ctx)
		} else {
			e.note(publisher.Swept{}, nil)
		}
		wait := e.every
		if more {
			wait = 0
		}
		if !pause.For(ctx, wait) {
			return
		}
	}
}

// pass makes one pass, and tells whether there is more to be removed.
func (e *expiry) pass(ctx context.Context) bool {
	swept, err := e.sweeper.Sweep(ctx)
	if ctx.Err() != nil {
		return false
	}
	if first := e.note(swept, err); first && err == nil {
		e.log.Info("meetings that have expired are still stored, and are removed now", "dueFor", swept.Due.Round(time.Second).String())
	}
	if err != nil {
		e.report.Failed(expiryPart, err)
		return false
	}
	e.report.OK(expiryPart)
	if swept.Meetings > 0 {
		e.log.Debug("removed meetings that have expired", "meetings", swept.Meetings)
	}
	return swept.More
}

// note keeps how a pass went, and tells whether it is the first that comes too late.
func (e *expiry) note(swept publisher.Swept, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := e.due <= sweepsLate && swept.Due > sweepsLate
	e.removed += uint64(swept.Meetings)
	if e.failed++; err == nil {
		e.failed = 0
	}
	if err == nil || swept.Due > 0 {
		e.due = swept.Due
	}
	return first
}

// figures are how many meetings were removed since the start, and for how long the one has been due
// that waits longest.
func (e *expiry) figures() (removed uint64, due time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.removed, e.due
}

// checks say that what has expired is still stored, if so.
func (e *expiry) checks() []httpapi.Check {
	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	switch late := e.due > sweepsLate; {
	case late && e.failed > 0:
		err = fmt.Errorf("meetings that expired %s ago are still stored, as they cannot be removed; the log says more", e.due.Round(time.Minute))
	case late:
		err = fmt.Errorf("meetings that expired %s ago are still stored", e.due.Round(time.Minute))
	case e.failed >= sweepsFailed:
		err = errNotRemoved
	default:
		return nil
	}
	return []httpapi.Check{{Name: expiryPart, Err: err}}
}
