package poller

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/guarded"
)

// releasedFor is for how long, while the store works, it is remembered which meetings were ours
// until their shards no longer were.
const releasedFor = time.Minute

// released is a watched meeting that was ours. The leases are lost while NATS is away, and what
// comes back may be older: what was stored of the meeting, or that it is watched at all, may be
// missing then, and only we know.
type released struct {
	shard    uint8
	revision uint64 // of its state
	brief    brief
	lastSeen diff.LookTime
	left     time.Duration // see releasedFor
}

func (t *locked) rememberReleased(m *meeting) {
	if m.watched && m.record.Revision > 0 {
		t.released[m.id] = released{m.shard, m.record.Revision, m.brief, m.lastSeen, releasedFor}
	}
}

// remind has a meeting be what it was when it was released: what is stored is compared with that.
func (r released) remind(m *meeting) {
	m.record.Revision, m.brief, m.lastSeen, m.watched = r.revision, r.brief, r.lastSeen, true
}

// stillStored forgets that a meeting was released if no less is stored of it now than was then, and tells
// whether that is so.
func (t *locked) stillStored(record diff.Record) bool {
	r, ok := t.released[record.State.ConferenceID]
	if ok && record.Revision < r.revision {
		return false
	}
	delete(t.released, record.State.ConferenceID)
	return true
}

// reclaim takes back the released meetings of shards whose states have been read: less is stored of
// them than was. What is stored is read again, and the loss announced.
func (t *locked) reclaim(shards shardSet) {
	for id, r := range t.released {
		if shards.has(r.shard) {
			t.suspectReleased(id, r)
		}
	}
}

// suspectReleased has the state of a released meeting read again, which is back in the table with
// what we knew of it, unless it is in it still: as a guest, it may have been taken for what is
// stored now.
func (t *locked) suspectReleased(id string, r released) {
	delete(t.released, id)
	m, ok := t.meetings[id]
	if !ok {
		m = t.newMeeting(id)
		t.meetings[id] = m
	}
	if !m.busy && !m.storing {
		t.dropState(m)
	}
	r.remind(m)
	t.suspectLoss(m)
	if t.mine(m) { // a guest goes once its state is read and stored
		t.arrange(m, t.now())
	}
}

// auditReleased looks, once, whether the states of released meetings are stored whose shards others
// have now. These cannot know of a meeting whose state is missing.
func (p *Poller) auditReleased(ctx context.Context, a Auditor) error {
	if p.health.fails(areaStore) {
		return nil
	}
	for shard, known := range guarded.Get(p.table, (*locked).ageReleased) {
		stored, _, err := a.Stored(ctx, shard)
		if err != nil {
			return err
		}
		p.table.With(func(t *locked) { t.dropReleased(known, stored) })
	}
	return nil
}

// ageReleased returns the released meetings, by shard, whose time is over.
func (t *locked) ageReleased() map[int][]string {
	out := map[int][]string{}
	for id, r := range t.released {
		if r.left -= patrolEvery; r.left <= 0 {
			out[int(r.shard)] = append(out[int(r.shard)], id)
		}
		t.released[id] = r
	}
	return out
}

// dropReleased forgets released meetings, but for those that are not stored.
func (t *locked) dropReleased(known []string, stored map[string]struct{}) {
	for _, id := range known {
		r, ok := t.released[id]
		if !ok || r.left > 0 {
			continue // taken back, or released again
		}
		if _, there := stored[id]; there {
			delete(t.released, id)
		} else {
			t.suspectReleased(id, r)
		}
	}
}
