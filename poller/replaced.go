package poller

import (
	"context"
	"fmt"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/guarded"
)

// beginAnew goes on when the stream is not the one that was followed, or has gone back. Every state
// in memory may be newer than what is stored, so each is read again.
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

// checkNewest returns an error that wraps [diff.ErrAnew] when the newest state we know of is not
// stored any more. Following does not notice that if the state was our own and following had not
// come to it yet.
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

// newest returns the meeting whose state has the highest revision.
func (t *locked) newest() audited {
	var newest audited
	for _, m := range t.meetings {
		if m.record.Revision > newest.revision {
			newest = audited{m, m.record.Revision}
		}
	}
	return newest
}

// suspectAll has every state read again, and returns the shards whose meetings are ours.
func (t *locked) suspectAll() shardSet {
	for _, m := range t.meetings {
		t.suspectLoss(m)
	}
	return t.held
}

// suspectLoss says that less may be stored of a meeting than we know of. Its state is read again
// before anything is stored for it.
func (t *locked) suspectLoss(m *meeting) {
	if t.meetings[m.id] != m || m.record.Revision == 0 {
		return
	}
	m.maybeLost = true
	t.stale[m.id] = max(t.stale[m.id], m.record.Revision)
	t.signalStale()
}

// read reads a state that another replica has changed, or that may be lost.
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

// maybeLost returns the meeting if its state may be lost, else nil.
func (t *locked) maybeLost(id string) *meeting {
	if m, ok := t.meetings[id]; ok && m.maybeLost {
		return m
	}
	return nil
}
