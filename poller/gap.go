package poller

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
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
)

// Pulse is a [Store] that also keeps when somebody last looked after the meetings of each shard. A store without it leaves
// the times when Rollcall was down unannounced.
type Pulse interface {
	// Beat stores that somebody looks after these shards now.
	Beat(ctx context.Context, shards ...int) error
	// LastBeats returns when somebody last looked after each shard; the zero time where that was never stored.
	LastBeats(ctx context.Context) ([events.Shards]time.Time, error)
}

// gapAfter is how long the meeting has to be out of sight for that to be a gap.
func gapAfter(interval time.Duration) time.Duration { return max(gapIntervals*interval, shortestGap) }

// patrol announces meetings that cannot be looked at, and stores which shards we look after, until ctx ends. Those whose
// states were read since come in only when the gaps from before are announced: else nobody would know of them any more.
func (p *Poller) patrol(ctx context.Context) {
	ticker := time.NewTicker(patrolEvery)
	defer ticker.Stop()
	for {
		complete := p.readShards()
		p.audit(ctx)
		announced := p.announceGaps(ctx)
		if announced {
			p.cover(complete)
		}
		if p.beat(ctx) && announced && p.stray.Swap(false) {
			p.health.ok(areaStore)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *Poller) readShards() shardSet {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.complete
}

// cover takes note that the gaps of the shards' meetings are announced.
func (p *Poller) cover(shards shardSet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.covered |= shards & p.complete
}

// lookedAfter are the shards that we look after.
func (p *Poller) lookedAfter() shardSet {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.covered & p.owned()
}

// beat stores which shards we look after, and tells whether it could.
func (p *Poller) beat(outer context.Context) bool {
	pulse, ok := p.store.(Pulse)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(outer, patrolEvery)
	defer cancel()
	err := pulse.Beat(ctx, p.lookedAfter().list()...)
	if err != nil && outer.Err() == nil {
		p.strayed(err)
	}
	return err == nil
}

// strayed reports a failure to store something that no look will store again. The next beat that succeeds takes the
// report back: there may be nothing else to store for hours.
func (p *Poller) strayed(err error) {
	if p.waitsForIDs(err) {
		return
	}
	p.stray.Store(true)
	p.health.failed(areaStore, err)
}

// announceGaps stores a gap for every meeting that has been out of sight for too long, and tells whether it could. What
// cannot be stored is tried again on the next patrol.
func (p *Poller) announceGaps(ctx context.Context) bool {
	var all errgroup.Group
	all.SetLimit(gapsAtOnce)
	at := p.wall().UnixMilli()
	for m, gap := range p.outOfSight() {
		all.Go(func() error {
			_, err := p.submit(ctx, m, func(s *diff.State) diff.Result {
				return startFirst(s, at, func(s *diff.State) diff.Result {
					if gap.reason == events.GapStoreLost {
						return diff.Lost(s, gap.from, at)
					}
					return diff.OpenGap(s, gap.from, at, gap.reason)
				})
			})
			if err == nil && gap.reason == events.GapStoreLost {
				p.toldLoss(m)
			}
			return err
		})
	}
	err := all.Wait()
	if err != nil && ctx.Err() == nil && !p.waitsForIDs(err) {
		p.health.failed(areaStore, err)
	}
	return err == nil
}

// gap is since when a meeting is out of sight, in Unix milliseconds, and why.
type gap struct {
	from   int64
	reason string
}

// outOfSight returns our meetings with a gap that has not been announced.
func (p *Poller) outOfSight() map[*meeting]gap {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[*meeting]gap{}
	now := p.wall()
	recent := now.Add(-shortestGap).UnixMilli()
	for m := range p.ours() {
		if m.untold {
			out[m] = gap{m.lostAt, events.GapStoreLost}
			continue
		}
		if m.sight == 0 || m.sight > recent || m.brief.gapFrom > 0 {
			continue
		}
		if now.Sub(time.UnixMilli(m.sight)) > gapAfter(m.interval) {
			r := m.rarely()
			out[m] = gap{m.sight, p.why(reasonOf(r.trouble, m.away))}
		}
	}
	return out
}

// why is the reason of a gap. The caller holds mu.
func (p *Poller) why(reason string) string {
	if p.paused > p.now() {
		return p.pausedBy
	}
	return reason
}

// reasonOf is the reason of a gap that has nothing to do with the other meetings.
func reasonOf(trouble string, away bool) string {
	switch {
	case trouble != "":
		return trouble
	case away:
		return events.GapDown
	default:
		return events.GapUnavailable
	}
}

// bridge closes the gap that a look at the time at puts an end to. One that nobody was there to announce is announced
// now.
func (m *look) bridge(s *diff.State, at int64) diff.Result {
	res := diff.Result{State: s}
	sight := m.sight
	if s.GapTo <= at { // of a look whose outcome was stored in part, the end of the gap was
		sight = max(sight, s.GapTo)
	}
	if s.GapFrom == 0 && m.sight > 0 && time.Duration(at-sight)*time.Millisecond > gapAfter(m.interval) {
		res = diff.OpenGap(s, sight, at, reasonOf(m.trouble, m.away))
	}
	return res.Then(diff.CloseGap(res.State, at))
}

// lastBeats is when somebody last looked after each shard; the zero time where that is not known.
func (p *Poller) lastBeats(ctx context.Context) ([events.Shards]time.Time, error) {
	if pulse, ok := p.store.(Pulse); ok {
		return pulse.LastBeats(ctx)
	}
	return [events.Shards]time.Time{}, nil
}
