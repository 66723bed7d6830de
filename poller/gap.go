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
	// patrolEvery is how often gaps are looked for.
	patrolEvery = 5 * time.Second
	// gapsAtOnce bounds how many gaps are stored at the same time; the store gathers them.
	gapsAtOnce = 256
)

// gapAfter is how long the meeting has to be out of sight for that to be a gap.
func gapAfter(interval time.Duration) time.Duration { return max(gapIntervals*interval, shortestGap) }

// patrol announces meetings that cannot be looked at, until ctx ends. Shards whose states were read since are said to be
// looked after only when the gaps from before are announced: else nobody would know of them any more.
func (p *Poller) patrol(ctx context.Context) {
	ticker := time.NewTicker(patrolEvery)
	defer ticker.Stop()
	for {
		complete := p.readShards()
		p.audit(ctx)
		if p.announceGaps(ctx) && p.cover(complete) {
			p.beatSoon()
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

// cover takes note that the gaps of the shards' meetings are announced, and tells whether some of them are new.
func (p *Poller) cover(shards shardSet) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.covered
	p.covered |= shards & p.complete
	return p.covered != before
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
	if err != nil && ctx.Err() == nil {
		p.notStored(err)
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
