package poller

import (
	"context"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/diff"
)

// maxInbox bounds the intents that wait for one meeting. A push beyond it is refused, and DingTalk
// sends it again.
const maxInbox = 10_000

// maxTogether bounds the intents that are applied and stored at once for one meeting.
const maxTogether = 500

// errBusy says that too many intents wait for a meeting.
var errBusy = errors.New("too many pushes wait for one meeting")

// entry is an intent that waits to be stored. What looks, pushes and the patrol want of a meeting
// goes through one inbox, one after the other: so a push does not wait for a look that is under
// way, and none of them conflicts with another of the same replica. With other replicas
// compare-and-set decides who was first.
type entry struct {
	want diff.Intent
	done chan error // takes the outcome

	// Set before done.
	result diff.Result // of want
	record diff.Record // what is stored now
}

// apply stores what is wanted of a meeting, and returns once it is stored. When ctx ends first it
// is not known whether it was, or will be.
func (p *Poller) apply(ctx context.Context, m *meeting, want diff.Intent) (*entry, error) {
	e := &entry{want: want, done: make(chan error, 1)}
	if err := p.putInInbox(m, e); err != nil {
		return nil, err
	}
	select {
	case err := <-e.done:
		return e, err
	case <-ctx.Done():
		return nil, fmt.Errorf("storing what happened in %s: %w", m.id, context.Cause(ctx))
	}
}

// putInInbox puts an intent into a meeting's inbox, and starts to empty that unless it is being
// emptied.
func (p *Poller) putInInbox(m *meeting, e *entry) (err error) {
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

// empty stores what is in a meeting's inbox, as much as possible at once, until there is nothing
// left.
func (p *Poller) empty(ctx context.Context, m *meeting) {
	for {
		var together []*entry
		var base diff.Record
		var maybeLost bool
		p.table.With(func(t *locked) { together, base, maybeLost = t.collect(m) })
		if len(together) == 0 {
			return
		}
		record, base, err := p.storeTogether(ctx, m, together, base)
		switch {
		case err == nil:
			p.counts.events.Add(record.State.Sequence - min(base.State.Sequence, record.State.Sequence))
			p.table.With(func(t *locked) { t.adopt(m, record, ours) })
		case ctx.Err() == nil:
			p.notStored(err)
		}
		if err != nil && maybeLost {
			p.table.With(func(t *locked) { t.suspectLoss(m) })
		}
		for _, e := range together {
			e.record = record
			e.done <- err
		}
	}
}

// storeTogether applies entries of an inbox one after the other and stores the result as one. It
// returns what is stored now, and the state that it began with.
func (p *Poller) storeTogether(ctx context.Context, m *meeting, together []*entry, base diff.Record) (record, from diff.Record, err error) {
	if base.State == nil {
		if base, err = p.fetch(ctx, m); err != nil {
			return base, base, err
		}
	}
	want := make(diff.All, len(together))
	for i, e := range together {
		want[i] = e.want
	}
	record, res, err := p.store.Update(ctx, base, want)
	if errors.Is(err, diff.ErrLost) {
		if base, err = p.loadOrRestore(ctx, m, base.Revision); err == nil {
			record, res, err = p.store.Update(ctx, base, want)
		}
	}
	for i, r := range res.Each() {
		together[i].result = r
	}
	if err != nil {
		p.log.Debug("not stored", "meeting", m.id, "wanted", want.String(), "error", err)
	}
	return record, base, err
}

// collect takes the next entries out of the inbox, with the state they are likely to be applied to.
// If less may be stored than that, the state is nil: it has to be read first.
func (t *locked) collect(m *meeting) (together []*entry, base diff.Record, maybeLost bool) {
	n := min(len(m.inbox), maxTogether)
	together = m.inbox[:n:n]
	m.inbox = m.inbox[n:]
	if n == 0 {
		m.inbox, m.storing = nil, false
		t.forgetIfOver(m)
		t.makeRoom()
		if _, ok := t.stale[m.id]; ok {
			t.signalStale()
		}
	}
	base = m.record
	if maybeLost = m.maybeLost && n > 0; maybeLost {
		base.State, m.maybeLost = nil, false
	}
	return together, base, maybeLost
}

// origin is where a record comes from.
type origin uint8

const (
	read origin = iota // read from the store
	ours               // stored by us
)

// adopt takes over what is stored of a meeting, which may be that it is not watched any more. It is
// how every state gets to a meeting of the table, except one that is older than what was known; see
// adoptLoss. What was read says nothing new about a revision that is in memory. What we have stored
// ourselves does: a look that finds nothing new changes only the time of the last look, which is
// not stored.
func (t *locked) adopt(m *meeting, record diff.Record, from origin) {
	newer := record.Revision > m.record.Revision
	later := record.Revision == m.record.Revision && (from == ours || m.record.State == nil)
	if t.meetings[m.id] != m || !newer && !later {
		return
	}
	if newer && record.State.Sequence < m.brief.sequence && record.State.Phase == diff.Watched {
		// Another replica began again after a loss, and did not know of as much as we do.
		m.lossUnannounced, m.lostAt = true, t.wall().UnixMilli()
	}
	t.keep(m, record)
	t.forgetIfOver(m)
}
