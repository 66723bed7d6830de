package poller

import (
	"context"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/diff"
)

// maxInbox bounds what waits to be stored for one meeting besides its looks. DingTalk repeats a push that is refused.
const maxInbox = 10_000

// maxTogether bounds what is compared and stored at once for one meeting.
const maxTogether = 500

// errBusy says that too much waits to be stored for a meeting already.
var errBusy = errors.New("too many pushes wait for one meeting")

// entry is something to be stored for a meeting. What looks, pushes and the patrol want stored goes through one inbox:
// a push does not wait for a look that is under way, and they do not get into each other's way. Compare-and-set settles
// who was first among the replicas.
type entry struct {
	compare func(*diff.State) diff.Result
	done    chan error // takes the outcome

	// Set before done.
	result diff.Result // of compare
	record diff.Record // what is stored now
	stored bool        // something was
}

// submit stores what compare makes of the meeting's state. When ctx ends first it is not known whether that was stored,
// or will be.
func (p *Poller) submit(ctx context.Context, m *meeting, compare func(*diff.State) diff.Result) (*entry, error) {
	e := &entry{compare: compare, done: make(chan error, 1)}
	if err := p.drop(m, e); err != nil {
		return nil, err
	}
	select {
	case err := <-e.done:
		return e, err
	case <-ctx.Done():
		return nil, fmt.Errorf("storing what happened in %s: %w", m.id, context.Cause(ctx))
	}
}

// drop puts something into a meeting's inbox and sees to it that somebody empties that.
func (p *Poller) drop(m *meeting, e *entry) (err error) {
	p.table.With(func(t *locked) {
		switch {
		case t.storing == nil:
			err = ErrStopping
			return
		case len(m.inbox) >= maxInbox:
			err = errBusy
			return
		}
		m.inbox = append(m.inbox, e)
		if !m.storing {
			m.storing = true
			ctx := t.storing
			p.emptying.Go(func() { p.empty(ctx, m) })
		}
	})
	return err
}

// empty stores what is in a meeting's inbox, as much as possible at once, until there is no more.
func (p *Poller) empty(ctx context.Context, m *meeting) {
	for {
		var together []*entry
		var base diff.Record
		var dubious bool
		p.table.With(func(t *locked) { together, base, dubious = t.collect(m) })
		if len(together) == 0 {
			return
		}
		record, base, err := p.storeTogether(ctx, m, together, base)
		switch {
		case err == nil:
			p.counts.events.Add(record.State.Sequence - min(base.State.Sequence, record.State.Sequence))
			p.table.With(func(t *locked) { t.adopt(m, record) })
		case ctx.Err() == nil:
			p.notStored(err)
		}
		if err != nil && dubious {
			p.table.With(func(t *locked) { t.doubt(m) })
		}
		for _, e := range together {
			e.record, e.stored = record, record.Revision != base.Revision
			e.done <- err
		}
	}
}

// storeTogether compares and stores entries of an inbox one after the other, as one. It returns what is stored now, and
// what the comparison began with.
func (p *Poller) storeTogether(ctx context.Context, m *meeting, together []*entry, base diff.Record) (record, from diff.Record, err error) {
	if base.State == nil {
		if base, err = p.fetch(ctx, m); err != nil {
			return base, base, err
		}
	}
	compare := func(s *diff.State) diff.Result {
		res := diff.Result{State: s}
		for _, e := range together {
			e.result = e.compare(res.State)
			res = res.Then(e.result)
		}
		return res
	}
	record, _, err = p.store.Update(ctx, base, compare)
	if errors.Is(err, diff.ErrLost) {
		if base, err = p.regain(ctx, m, base.Revision); err == nil {
			record, _, err = p.store.Update(ctx, base, compare)
		}
	}
	return record, base, err
}

// collect takes what is to be stored next out of the inbox, and the state it is likely to be compared with, which is to be
// read first when what is known of it is dubious.
func (t *locked) collect(m *meeting) (together []*entry, base diff.Record, dubious bool) {
	n := min(len(m.inbox), maxTogether)
	together = m.inbox[:n:n]
	m.inbox = m.inbox[n:]
	if n == 0 {
		m.inbox, m.storing = nil, false
		t.forgetIfOver(m)
		if _, ok := t.stale[m.id]; ok {
			t.signalStale()
		}
	}
	base = m.record
	if dubious = m.dubious && n > 0; dubious {
		base.State, m.dubious = nil, false
	}
	return together, base, dubious
}

// adopt takes note of a newer state of a meeting, which may be that it is not watched any more.
func (t *locked) adopt(m *meeting, record diff.Record) {
	newer := record.Revision > m.record.Revision
	again := record.Revision == m.record.Revision && m.record.State == nil
	if t.meetings[m.id] != m || !newer && !again {
		return
	}
	if newer && record.State.Sequence < m.brief.sequence && record.State.Phase == diff.Watched {
		m.untold, m.lostAt = true, t.wall().UnixMilli() // somebody else began anew, who did not know of more
	}
	t.keep(m, record)
	t.forgetIfOver(m)
}

// settle takes over what the one who had a meeting busy knows.
func (t *locked) settle(m *meeting, l *look) {
	m.progress, m.doubt = l.progress, l.doubt
	m.rare = nil
	if l.rare != (rare{}) {
		r := l.rare
		m.rare = &r
	}
	if l.era != m.era { // what was stored was lost meanwhile, and is known better
		return
	}
	if l.record.State != nil && l.record.Revision >= m.record.Revision {
		t.keep(m, l.record)
	}
	if m.brief.gapFrom == 0 && m.lastLook > m.lostAt { // else the look did not see what was lost to be told anew
		m.lostAt = 0
	}
}
