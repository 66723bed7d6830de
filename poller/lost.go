package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

const (
	// auditNames bounds how many meetings are audited at one time, roughly: the store names all it has of their shards.
	auditNames = 5_000
	// lossShown is for how long at least it is said that something was lost.
	lossShown = time.Minute
)

// errStoreLost is what is said, once, of whatever was lost.
var errStoreLost = errors.New("what was stored is lost (" + events.GapStoreLost + "), and what is watched is announced anew")

// beginAnew goes on after what is stored turned out not to be what was followed: every record in memory is in doubt, and
// is read again whatever its revision.
func (p *Poller) beginAnew(ctx context.Context, f Follower, why error) error {
	p.noteLoss(why)
	at, err := f.Position(ctx)
	if err != nil {
		return err
	}
	if err := p.takeOver(ctx, guarded.Get(p.table, (*locked).suspectAll)); err != nil {
		return err
	}
	p.position = at
	return nil
}

// checkNewest returns an error that wraps [diff.ErrAnew] when the newest state that is known, perhaps one of our own of which
// following has not told, is not stored any more.
func (p *Poller) checkNewest(ctx context.Context) error {
	newest := guarded.Get(p.table, (*locked).newest)
	if newest.m == nil {
		return nil
	}
	record, err := p.store.Load(ctx, newest.m.id)
	if err == nil && record.Revision < newest.revision {
		record, err = p.loadAfterWrite(ctx, newest.m.id)
	}
	if err == nil && record.Revision < newest.revision {
		err = fmt.Errorf("%w: the newest state is at %d, and was at %d", diff.ErrAnew, record.Revision, newest.revision)
	}
	return err
}

// newest is the meeting with the newest state that is known.
func (t *locked) newest() audited {
	var newest audited
	for _, m := range t.meetings {
		if m.record.Revision > newest.revision {
			newest = audited{m, m.record.Revision}
		}
	}
	return newest
}

// doubtAll has every state read again, and returns the shards whose meetings are ours.
func (t *locked) suspectAll() shardSet {
	for _, m := range t.meetings {
		t.suspectLoss(m)
	}
	return t.held
}

// doubt has a meeting's state read again before anything is stored for it.
func (t *locked) suspectLoss(m *meeting) {
	if t.meetings[m.id] != m || m.record.Revision == 0 {
		return
	}
	m.maybeLost = true
	t.stale[m.id] = max(t.stale[m.id], m.record.Revision)
	t.signalStale()
}

// read reads a state that others have changed, or that is dubious.
func (p *Poller) read(ctx context.Context, id string) error {
	m := guarded.Get(p.table, func(t *locked) *meeting { return t.maybeLost(id) })
	if m != nil {
		_, err := p.apply(ctx, m, diff.All{})
		return err
	}
	record, err := p.store.Load(ctx, id)
	if err == nil {
		p.table.With(func(t *locked) { t.adoptOthers(id, record) })
	}
	return err
}

// dubious returns the meeting if its state is dubious, else nil.
func (t *locked) maybeLost(id string) *meeting {
	if m, ok := t.meetings[id]; ok && m.maybeLost {
		return m
	}
	return nil
}

// settled reads a state of which less seems to be stored than was: who was asked may not have known yet what is stored.
func (p *Poller) loadAfterWrite(ctx context.Context, id string) (diff.Record, error) {
	if a, ok := p.store.(Auditor); ok {
		if err := a.Barrier(ctx); err != nil {
			return diff.Record{}, err
		}
	}
	return p.store.Load(ctx, id)
}

// regain goes on with a meeting of which less seems to be stored than the revision that was known. One that is
// watched stays watched, and it is announced that something was lost. It returns what is stored then.
func (p *Poller) regain(ctx context.Context, m *meeting, known uint64) (diff.Record, error) {
	record, err := p.loadAfterWrite(ctx, m.id)
	if err != nil || record.Revision >= known {
		return record, err
	}
	l := guarded.Get(p.table, func(t *locked) loss { return t.lossIn(m) })
	if l.watched && (l.mine || record.Revision == 0) {
		p.noteLoss(fmt.Errorf("%w: a state is at %d, and was at %d", diff.ErrLost, record.Revision, known))
		record.State = record.State.NumberedFrom(l.sequence)
		record, _, err = p.store.Update(ctx, record, l.restore(true))
		if errors.Is(err, diff.ErrRemembered) { // that it was lost before was announced
			l.lossUnannounced = true
			record, _, err = p.store.Update(ctx, record, l.restore(false))
		}
		if err != nil {
			return record, err
		}
	}
	p.table.With(func(t *locked) { t.adoptLoss(m, record, known, l) })
	return record, nil
}

// loss is what is remembered of a meeting of which less is stored than was.
type loss struct {
	known           diff.Description
	sequence        uint64
	from, at        int64 // when the meeting was in sight last, and when the loss was noticed, Unix milliseconds
	watched, mine   bool
	lossUnannounced bool
}

func (t *locked) lossIn(m *meeting) loss {
	b, at := m.brief, t.wall().UnixMilli()
	l := loss{
		known: diff.Description{
			Title: b.title, TitleGiven: b.titleGiven, CreatorID: b.creatorID, CreatorNick: b.creatorNick, StartTime: b.startTime,
		},
		sequence: b.sequence,
		from:     m.lastSeen.Wall, at: at, mine: t.mine(m),
		watched: m.watched,
	}
	if l.from == 0 {
		l.from = at
	}
	return l
}

// restore has the meeting go on, and tells of the loss, unless that it was lost before was announced.
func (l loss) restore(tell bool) diff.Intent {
	restored := diff.Restore{Description: l.known, At: l.at}
	if !tell {
		return restored
	}
	return diff.All{restored, diff.StartFirst{At: l.at, What: diff.Lost{From: l.from, At: l.at}}}
}

// adoptLoss takes note of what is stored of a meeting of which less is stored than was, and has it looked at.
func (t *locked) adoptLoss(m *meeting, record diff.Record, known uint64, l loss) {
	switch {
	case t.meetings[m.id] != m:
		return
	case m.record.Revision != known: // somebody else has found out something, too
		t.suspectLoss(m)
		return
	}
	m.losses++
	m.lookedAt, m.lostAt, m.lossUnannounced = 0, l.at, l.lossUnannounced
	t.keep(m, record)
	if t.forgetIfOver(m); t.meetings[m.id] != m || !t.mine(m) {
		return
	}
	m.asked = true
	if !m.busy {
		t.enqueue(m, t.now())
	}
}

// noteLoss says that something was lost, once for all that is lost at about the same time.
func (p *Poller) noteLoss(why error) {
	p.table.With(func(t *locked) { t.lossAt = t.now() })
	p.log.Debug("a loss is noticed", "error", why)
	p.health.failed(areaLost, errStoreLost)
}

// waitsForIDs tells whether err says only that the server still remembers the ids of what was lost: all else can be stored.
func (p *Poller) waitsForIDs(err error) bool {
	if !errors.Is(err, diff.ErrRemembered) {
		return false
	}
	if guarded.Get(p.table, func(t *locked) moment { return t.lossAt }) == 0 {
		p.noteLoss(err)
	}
	return true
}

// mended tells whether what was lost is announced anew, a while ago.
func (t *locked) recovered() bool {
	if t.lossAt == 0 || t.now()-t.lossAt < lossShown {
		return false
	}
	for m := range t.ours() {
		if m.lostAt > 0 {
			return false
		}
	}
	t.lossAt = 0
	return true
}

// audit makes sure that the states of our meetings are stored still, of as many as is reasonable at one time. Whatever
// seems to be missing is read.
func (p *Poller) audit(ctx context.Context) {
	if guarded.Get(p.table, (*locked).recovered) {
		p.health.ok(areaLost)
	}
	a, ok := p.store.(Auditor)
	if !ok {
		return
	}
	for shard, known := range guarded.Get(p.table, p.toAudit) {
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

// missing has those of the meetings read again whose states are not among those stored, or are older than the oldest.
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

// toAudit returns the meetings of the shards whose turn it is.
func (p *Poller) toAudit(t *locked) map[int][]audited {
	var sizes [events.Shards]int
	for m := range t.ours() {
		sizes[m.shard]++
	}
	turn, names := shardSet(0), 0
	for range events.Shards {
		if names > auditNames {
			break
		}
		turn |= 1 << p.audited
		names += sizes[p.audited]
		p.audited = (p.audited + 1) % events.Shards
	}
	out := map[int][]audited{}
	for m := range t.ours() {
		if turn.has(m.shard) && m.record.Revision > 0 {
			out[int(m.shard)] = append(out[int(m.shard)], audited{m, m.record.Revision})
		}
	}
	return out
}
