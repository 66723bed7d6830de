package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
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
	if err := p.gain(ctx, p.doubtAll()); err != nil {
		return err
	}
	p.position = at
	return nil
}

// checkNewest returns an error that wraps [diff.ErrAnew] when the newest state that is known, perhaps one of our own of which
// following has not told, is not stored any more.
func (p *Poller) checkNewest(ctx context.Context) error {
	newest := p.newest()
	if newest.m == nil {
		return nil
	}
	record, err := p.store.Load(ctx, newest.m.id)
	if err == nil && record.Revision < newest.revision {
		record, err = p.settled(ctx, newest.m.id)
	}
	if err == nil && record.Revision < newest.revision {
		err = fmt.Errorf("%w: the newest state is at %d, and was at %d", diff.ErrAnew, record.Revision, newest.revision)
	}
	return err
}

// newest is the meeting with the newest state that is known.
func (p *Poller) newest() audited {
	p.mu.Lock()
	defer p.mu.Unlock()
	var newest audited
	for _, m := range p.meetings {
		if m.record.Revision > newest.revision {
			newest = audited{m, m.record.Revision}
		}
	}
	return newest
}

// doubtAll has every state read again, and returns the shards whose meetings are ours.
func (p *Poller) doubtAll() shardSet {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.meetings {
		p.doubtLocked(m)
	}
	return p.held
}

// doubt has a meeting's state read again before anything is stored for it.
func (p *Poller) doubt(m *meeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doubtLocked(m)
}

// doubtLocked is doubt for who holds mu.
func (p *Poller) doubtLocked(m *meeting) {
	if p.meetings[m.id] != m || m.record.Revision == 0 {
		return
	}
	m.dubious = true
	p.stale[m.id] = max(p.stale[m.id], m.record.Revision)
	p.signalStale()
}

// read reads a state that others have changed, or that is dubious.
func (p *Poller) read(ctx context.Context, id string) error {
	p.mu.Lock()
	m, ok := p.meetings[id]
	dubious := ok && m.dubious
	p.mu.Unlock()
	if dubious {
		_, err := p.submit(ctx, m, func(s *diff.State) diff.Result { return diff.Result{State: s} })
		return err
	}
	record, err := p.store.Load(ctx, id)
	if err == nil {
		p.heard(id, record)
	}
	return err
}

// knownRevision is that of the newest state that is known.
func (p *Poller) knownRevision(m *meeting) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.record.Revision
}

func (p *Poller) eraOf(m *meeting) int32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.era
}

// settled reads a state of which less seems to be stored than was: who was asked may not have known yet what is stored.
func (p *Poller) settled(ctx context.Context, id string) (diff.Record, error) {
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
	record, err := p.settled(ctx, m.id)
	if err != nil || record.Revision >= known {
		return record, err
	}
	l := p.lossOf(m)
	if l.watched && (l.mine || record.Revision == 0) {
		p.noteLoss(fmt.Errorf("%w: a state is at %d, and was at %d", diff.ErrLost, record.Revision, known))
		record.State = record.State.NumberedFrom(l.sequence)
		record, _, err = p.store.Update(ctx, record, func(s *diff.State) diff.Result { return l.restore(s, true) })
		if errors.Is(err, diff.ErrRemembered) { // that it was lost before was announced
			l.untold = true
			record, _, err = p.store.Update(ctx, record, func(s *diff.State) diff.Result { return l.restore(s, false) })
		}
		if err != nil {
			return record, err
		}
	}
	p.adoptLoss(m, record, known, l)
	return record, nil
}

// loss is what is remembered of a meeting of which less is stored than was.
type loss struct {
	known         diff.Description
	sequence      uint64
	from, at      int64 // when the meeting was in sight last, and when the loss was noticed, Unix milliseconds
	watched, mine bool
	untold        bool
}

func (p *Poller) lossOf(m *meeting) loss {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, at := m.brief, p.wall().UnixMilli()
	l := loss{
		known: diff.Description{
			Title: b.title, TitleGiven: b.titleGiven, CreatorID: b.creatorID, CreatorNick: b.creatorNick, StartTime: b.startTime,
		},
		sequence: b.sequence,
		from:     m.sight.wall, at: at, mine: p.mine(m),
		watched: m.watched,
	}
	if l.from == 0 {
		l.from = at
	}
	return l
}

// restore is the state that a meeting goes on from. What was announced of it and is not stored any more will be
// announced again.
func (l loss) restore(s *diff.State, tell bool) diff.Result {
	res := diff.Result{State: s.Restored(l.known, l.at), Changed: true}
	if !tell {
		return res
	}
	return res.Then(startFirst(res.State, l.at, func(s *diff.State) diff.Result { return diff.Lost(s, l.from, l.at) }))
}

// adoptLoss takes note of what is stored of a meeting of which less is stored than was, and has it looked at.
func (p *Poller) adoptLoss(m *meeting, record diff.Record, known uint64, l loss) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.meetings[m.id] != m:
		return
	case m.record.Revision != known: // somebody else has found out something, too
		p.doubtLocked(m)
		return
	}
	m.era++
	m.lookedAt, m.lostAt, m.untold = 0, l.at, l.untold
	p.keep(m, record)
	if p.forgetIfOver(m); p.meetings[m.id] != m || !p.mine(m) {
		return
	}
	m.asked = true
	if !m.busy {
		p.enqueue(m, p.now())
	}
}

// noteLoss says that something was lost, once for all that is lost at about the same time.
func (p *Poller) noteLoss(why error) {
	p.mu.Lock()
	p.lossAt = p.now()
	p.mu.Unlock()
	p.log.Debug("a loss is noticed", "error", why)
	p.health.failed(areaLost, errStoreLost)
}

// waitsForIDs tells whether err says only that the server still remembers the ids of what was lost: all else can be stored.
func (p *Poller) waitsForIDs(err error) bool {
	if !errors.Is(err, diff.ErrRemembered) {
		return false
	}
	p.mu.Lock()
	known := p.lossAt > 0
	p.mu.Unlock()
	if !known {
		p.noteLoss(err)
	}
	return true
}

// toldLoss takes note that it was announced that something of the meeting was lost.
func (p *Poller) toldLoss(m *meeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.untold = false
}

// mended tells whether what was lost is announced anew, a while ago.
func (p *Poller) mended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lossAt == 0 || p.now()-p.lossAt < lossShown {
		return false
	}
	for m := range p.ours() {
		if m.lostAt > 0 {
			return false
		}
	}
	p.lossAt = 0
	return true
}

// audit makes sure that the states of our meetings are stored still, of as many as is reasonable at one time. Whatever
// seems to be missing is read.
func (p *Poller) audit(ctx context.Context) {
	if p.mended() {
		p.health.ok(areaLost)
	}
	a, ok := p.store.(Auditor)
	if !ok {
		return
	}
	for shard, known := range p.toAudit() {
		stored, oldest, err := a.Stored(ctx, shard)
		if err != nil {
			if ctx.Err() == nil {
				p.storeTrouble(areaAudit, err)
			}
			return
		}
		p.health.ok(areaAudit)
		p.mu.Lock()
		for _, k := range known {
			_, there := stored[k.m.id]
			if (!there || k.revision < oldest) && k.m.record.Revision == k.revision {
				p.doubtLocked(k.m)
			}
		}
		p.mu.Unlock()
	}
}

// audited is a meeting, and the revision that its state is known to have.
type audited struct {
	m        *meeting
	revision uint64
}

// toAudit returns the meetings of the shards whose turn it is.
func (p *Poller) toAudit() map[int][]audited {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sizes [events.Shards]int
	for m := range p.ours() {
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
	for m := range p.ours() {
		if turn.has(m.shard) && m.record.Revision > 0 {
			out[int(m.shard)] = append(out[int(m.shard)], audited{m, m.record.Revision})
		}
	}
	return out
}
