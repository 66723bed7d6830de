package poller

import (
	"cmp"
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/c4342123/rollcall/diff"
)

const (
	// shortestGap is how long a meeting has to be out of sight at least for that to be announced.
	shortestGap = 30 * time.Second
	// gapIntervals is how many intervals of the meeting it has to be.
	gapIntervals = 3
	// patrolEvery is how often gaps are looked for, and how often it is stored that we are alive.
	patrolEvery = 5 * time.Second
	// gapsAtOnce bounds how many gaps are stored at the same time; the store gathers them.
	gapsAtOnce = 256
	// reasonDown is why a meeting was out of sight while Rollcall was not running.
	reasonDown = "down"
)

// Pulse is a [Store] that also keeps when somebody was last alive to look at meetings. A store without it leaves the
// times when Rollcall was down unannounced.
type Pulse interface {
	// Beat stores that somebody is alive now.
	Beat(ctx context.Context) error
	// LastBeat returns when somebody last was; the zero time when that was never stored.
	LastBeat(ctx context.Context) (time.Time, error)
}

// gapAfter is how long the meeting has to be out of sight for that to be a gap.
func gapAfter(interval time.Duration) time.Duration { return max(gapIntervals*interval, shortestGap) }

// patrol announces meetings that cannot be looked at, and stores that we are alive, until ctx ends.
func (p *Poller) patrol(ctx context.Context) {
	ticker := time.NewTicker(patrolEvery)
	defer ticker.Stop()
	for {
		p.beat(ctx)
		p.announceGaps(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *Poller) beat(outer context.Context) {
	pulse, ok := p.store.(Pulse)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(outer, patrolEvery)
	defer cancel()
	switch err := pulse.Beat(ctx); {
	case err == nil:
		if p.stray.Swap(false) {
			p.health.ok(areaStore)
		}
	case outer.Err() == nil:
		p.strayed(err)
	}
}

// strayed reports a failure to store something that no look will store again. The next beat that succeeds takes the
// report back: there may be nothing else to store for hours.
func (p *Poller) strayed(err error) {
	p.stray.Store(true)
	p.health.failed(areaStore, err)
}

// announceGaps stores a gap for every meeting that has been out of sight for too long. What cannot be stored is tried
// again on the next patrol.
func (p *Poller) announceGaps(ctx context.Context) {
	var all errgroup.Group
	all.SetLimit(gapsAtOnce)
	at := time.Now().UnixMilli()
	for m, gap := range p.outOfSight() {
		all.Go(func() error {
			_, err := p.submit(ctx, m, func(s *diff.State) diff.Result {
				return startFirst(s, at, func(s *diff.State) diff.Result { return diff.OpenGap(s, gap.from, gap.reason) })
			})
			return err
		})
	}
	if err := all.Wait(); err != nil && ctx.Err() == nil {
		p.health.failed(areaStore, err)
	}
}

// gap is since when a meeting is out of sight, in Unix milliseconds, and why.
type gap struct {
	from   int64
	reason string
}

// outOfSight returns the meetings with a gap that has not been announced.
func (p *Poller) outOfSight() map[*meeting]gap {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	out := map[*meeting]gap{}
	for _, m := range p.meetings {
		if m.state == nil || m.state.GapFrom > 0 || m.shown.sight == 0 {
			continue
		}
		if now.Sub(time.UnixMilli(m.shown.sight)) > gapAfter(m.shown.interval) {
			out[m] = gap{m.shown.sight, p.why(m.shown.trouble)}
		}
	}
	return out
}

// why is the reason of a gap. The caller holds mu.
func (p *Poller) why(trouble string) string {
	if p.paused > p.now() {
		trouble = p.pausedBy
	}
	return cmp.Or(trouble, Unavailable.String())
}

// bridge closes the gap that a look at the time at puts an end to. One that nobody was there to announce is announced
// now.
func (m *meeting) bridge(s *diff.State, at int64) diff.Result {
	res := diff.Result{State: s}
	if s.GapFrom == 0 && m.sight > 0 && time.Duration(at-m.sight)*time.Millisecond > gapAfter(m.interval) {
		res = diff.OpenGap(s, m.sight, cmp.Or(m.trouble, Unavailable.String()))
	}
	return res.Then(diff.CloseGap(res.State, at))
}

// lastAlive is when somebody was last alive, in Unix milliseconds; 0 when that is not known.
func (p *Poller) lastAlive(ctx context.Context) (int64, error) {
	pulse, ok := p.store.(Pulse)
	if !ok {
		return 0, nil
	}
	last, err := pulse.LastBeat(ctx)
	if err != nil || last.IsZero() {
		return 0, err
	}
	return last.UnixMilli(), nil
}
