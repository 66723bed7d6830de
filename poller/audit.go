package poller

import (
	"context"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

// auditNames is roughly how many meetings are audited at one time: the store sends the names of all
// that it has in their shards.
const auditNames = 5_000

// audit checks that the states of our meetings are still stored, some shards each time. A state
// that seems to be missing is read again. A purge, or a message that was deleted, would go
// unnoticed otherwise.
func (p *Poller) audit(ctx context.Context) {
	if guarded.Get(p.table, (*locked).recovered) {
		p.health.ok(areaLost)
	}
	a, ok := p.store.(Auditor)
	if !ok {
		return
	}
	if err := p.auditReleased(ctx, a); err != nil {
		if ctx.Err() == nil {
			p.storeTrouble(areaAudit, err)
		}
		return
	}
	for shard, known := range guarded.Get(p.table, (*locked).toAudit) {
		stored, oldest, err := a.Stored(ctx, shard)
		if err != nil {
			if ctx.Err() == nil {
				p.storeTrouble(areaAudit, err)
			}
			return
		}
		p.health.ok(areaAudit)
		p.table.With(func(t *locked) { t.rereadMissing(known, stored, oldest) })
	}
}

// rereadMissing has a state read again if its meeting is not among those stored, or if its revision
// is below the oldest message of the stream.
func (t *locked) rereadMissing(known []audited, stored map[string]struct{}, oldest uint64) {
	for _, k := range known {
		_, there := stored[k.m.id]
		if (!there || k.revision < oldest) && k.m.record.Revision == k.revision {
			t.suspectLoss(k.m)
		}
	}
}

// audited is a meeting, and the revision that its state is known to have.
type audited struct {
	m        *meeting
	revision uint64
}

// toAudit returns the meetings of the shards that are next.
func (t *locked) toAudit() map[int][]audited {
	var sizes [events.Shards]int
	for m := range t.ours() {
		sizes[m.shard]++
	}
	turn, names := shardSet(0), 0
	for range events.Shards {
		if names > auditNames {
			break
		}
		turn |= 1 << t.nextAudit
		names += sizes[t.nextAudit]
		t.nextAudit = (t.nextAudit + 1) % events.Shards
	}
	out := map[int][]audited{}
	for m := range t.ours() {
		if turn.has(m.shard) && m.record.Revision > 0 {
			out[int(m.shard)] = append(out[int(m.shard)], audited{m, m.record.Revision})
		}
	}
	return out
}
