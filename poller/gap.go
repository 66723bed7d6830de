package poller

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
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
		complete := guarded.Get(p.table, func(t *locked) shardSet { return t.complete })
		p.audit(ctx)
		if p.announceGaps(ctx) && guarded.Get(p.table, func(t *locked) bool { return t.cover(complete) }) {
			p.beatSoon()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// cover takes note that the gaps of the shards' meetings are announced, and tells whether some of them are new.
func (t *locked) cover(shards shardSet) bool {
	before := t.covered
	t.covered |= shards & t.complete
	return t.covered != before
}

// announceGaps stores a gap for every meeting that has been out of sight for too long, and tells whether it could. What
// cannot be stored is tried again on the next patrol.
func (p *Poller) announceGaps(ctx context.Context) bool {
	var all errgroup.Group
	all.SetLimit(gapsAtOnce)
	for m, gap := range guarded.Get(p.table, (*locked).outOfSight) {
		all.Go(func() error {
			_, err := p.submit(ctx, m, func(s *diff.State) diff.Result {
				return startFirst(s, gap.to, func(s *diff.State) diff.Result {
					if gap.reason == events.GapStoreLost {
						return diff.Lost(s, gap.from, gap.to)
					}
					return diff.OpenGap(s, gap.known, gap.from, gap.to, gap.reason)
				})
			})
			if err == nil && gap.reason == events.GapStoreLost {
				p.table.With(func(*locked) { m.untold = false })
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

// gap is from when until now a meeting is out of sight, in Unix milliseconds, what was known of it before, and why.
type gap struct {
	from, to int64
	known    diff.Mark
	reason   string
}

// outOfSight returns our meetings with a gap that has not been announced.
func (t *locked) outOfSight() map[*meeting]gap {
	out := map[*meeting]gap{}
	now := t.sees(nil)
	for m := range t.ours() {
		if m.untold {
			out[m] = gap{from: m.lostAt, to: now.wall, reason: events.GapStoreLost}
			continue
		}
		if m.sight.never() || m.brief.gapFrom > 0 || m.sight.ago(now) <= gapAfter(m.interval) {
			continue
		}
		from, to := m.sight.gap(now)
		r := m.rarely()
		out[m] = gap{from, to, m.sight.known, t.why(reasonOf(r.trouble, m.away))}
	}
	return out
}

// why is the reason of a gap.
func (t *locked) why(reason string) string {
	if t.paused > t.now() {
		return t.pausedBy
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

// bridge closes the gap that the list that was read puts an end to. One that nobody was there to announce is announced
// now.
func (m *look) bridge(s *diff.State) diff.Result {
	res := diff.Result{State: s}
	sight := m.sight.until(s.GapTo, m.seen) // of a look whose outcome was stored in part, the end of the gap was
	from, to := sight.gap(m.seen)
	if s.GapFrom == 0 && !sight.never() && sight.ago(m.seen) > gapAfter(m.interval) {
		res = diff.OpenGap(s, sight.known, from, to, reasonOf(m.trouble, m.away))
	}
	return res.Then(diff.CloseGap(res.State, to))
}
