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
	// shortestGap is how long at least a meeting has to go without a look for that to be announced.
	shortestGap = 30 * time.Second
	// gapIntervals is how many of the meeting's intervals it has to be.
	gapIntervals = 3
	// patrolEvery is how often gaps are looked for.
	patrolEvery = 5 * time.Second
	// gapsAtOnce bounds how many gaps are stored at the same time; the store gathers them.
	gapsAtOnce = 256
)

// gapAfter is how long a meeting has to go without a look for that to be a gap.
func (f *fixed) gapAfter(interval time.Duration) time.Duration {
	return max(gapIntervals*interval, f.shortestGap)
}

// patrol announces meetings that cannot be looked at, until ctx ends. A beat covers the shards that
// we took over only once the gaps from before are announced: the beat replaces the time by which
// those gaps are known.
func (p *Poller) patrol(ctx context.Context) {
	ticker := time.NewTicker(patrolEvery)
	defer ticker.Stop()
	for {
		p.table.With(func(t *locked) { t.countHours(patrolEvery) })
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

// cover notes that the gaps of the shards' meetings are announced, and tells whether that is news
// for some of them.
func (t *locked) cover(shards shardSet) bool {
	before := t.covered
	t.covered |= shards & t.complete
	return t.covered != before
}

// announceGaps stores a gap for every meeting that has gone without a look for too long, and tells
// whether it could. What cannot be stored is tried again on the next patrol.
func (p *Poller) announceGaps(ctx context.Context) bool {
	var all errgroup.Group
	all.SetLimit(gapsAtOnce)
	for m, gap := range guarded.Get(p.table, (*locked).unannouncedGaps) {
		all.Go(func() error {
			_, err := p.apply(ctx, m, diff.StartFirst{At: gap.At, What: gap.intent()})
			if err == nil && gap.lost() {
				p.table.With(func(*locked) { m.lossUnannounced = false })
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

// gap is a gap that is to be announced.
type gap diff.Gap

// lost tells whether it is a loss that is to be announced.
func (g gap) lost() bool { return g.Reason == events.GapStoreLost }

// intent is what is to be stored.
func (g gap) intent() diff.Intent {
	if g.lost() {
		return diff.Lost{From: g.From, At: g.At}
	}
	return diff.Gap(g)
}

// unannouncedGaps returns our meetings with a gap, or a loss, that has not been announced.
func (t *locked) unannouncedGaps() map[*meeting]gap {
	out := map[*meeting]gap{}
	now := t.lookTime(nil)
	for m := range t.ours() {
		if m.lossUnannounced {
			out[m] = gap{From: m.lostAt, At: now.Wall, Reason: events.GapStoreLost}
			continue
		}
		if m.lastSeen.Never() || m.brief.gapFrom > 0 || m.lastSeen.Ago(now) <= t.gapAfter(m.interval) {
			continue
		}
		from, to := m.lastSeen.Gap(now)
		r := m.exceptions()
		out[m] = gap{Since: m.lastSeen.Known, From: from, At: to, Reason: t.why(reasonOf(r.trouble, m.away))}
	}
	return out
}

// why is the reason of a gap: that of the pause, if looks are paused, else the meeting's own.
func (t *locked) why(reason string) string {
	if t.paused > t.now() {
		return t.pausedBy
	}
	return reason
}

// reasonOf is the reason of a gap as far as this meeting alone knows.
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

// gapBefore is the gap that ends with the list that was read, if it is longer than so.
func (m *look) gapBefore(snap diff.Snapshot, longer time.Duration) diff.GapBefore {
	return diff.GapBefore{
		Look: snap, Last: m.lastSeen, Now: m.listRead, Longer: longer, Reason: reasonOf(m.trouble, m.away),
	}
}
