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

// lossShown is for how long at least a loss is reported.
const lossShown = time.Minute

// errStoreLost is reported once for everything that was lost at about the same time.
var errStoreLost = errors.New("what was stored is lost (" + events.GapStoreLost + "), and what is watched is announced anew")

// loadAfterWrite reads a state of which less seems to be stored than we know of. It writes first: a
// leader that has just been elected may not have applied everything that is stored, but once it has
// stored something more it has.
func (p *Poller) loadAfterWrite(ctx context.Context, id string) (diff.Record, error) {
	if a, ok := p.store.(Auditor); ok {
		if err := a.Barrier(ctx); err != nil {
			return diff.Record{}, err
		}
	}
	return p.store.Load(ctx, id)
}

// loadOrRestore goes on with a meeting of which less seems to be stored than the revision we know
// of. If that is so, a meeting that is watched stays watched, and the loss is announced. It returns
// what is stored then.
func (p *Poller) loadOrRestore(ctx context.Context, m *meeting, known uint64) (diff.Record, error) {
	record, err := p.loadAfterWrite(ctx, m.id)
	if err != nil || record.Revision >= known {
		return record, err
	}
	l := guarded.Get(p.table, func(t *locked) loss { return t.lossOf(m) })
	if l.watched && (l.mine || record.Revision == 0) {
		p.noteLoss(fmt.Errorf("%w: a state is at %d, and was at %d", diff.ErrLost, record.Revision, known))
		record.State = record.State.NumberedFrom(l.sequence)
		record, _, err = p.store.Update(ctx, record, l.restore(true))
		if errors.Is(err, diff.ErrRemembered) {
			// The event has the id of an earlier loss: announce it later.
			l.unannounced = true
			record, _, err = p.store.Update(ctx, record, l.restore(false))
		}
		if err != nil {
			return record, err
		}
		l.restored = true
	}
	p.table.With(func(t *locked) { t.adoptLoss(m, record, known, l) })
	return record, nil
}

// loss is what we still know of a meeting of which less is stored than was.
type loss struct {
	known       diff.Description
	sequence    uint64
	from, at    int64 // the last look before, and when the loss was noticed; Unix milliseconds
	watched     bool
	mine        bool // or was until now, see released
	restored    bool // the meeting goes on in what is stored
	unannounced bool // the loss could not be announced yet
}

func (t *locked) lossOf(m *meeting) loss {
	b, at := m.brief, t.wall().UnixMilli()
	_, untilNow := t.released[m.id]
	l := loss{
		known: diff.Description{
			Title: b.title, TitleGiven: b.titleGiven, CreatorID: b.creatorID, CreatorNick: b.creatorNick, StartTime: b.startTime,
		},
		sequence: b.sequence,
		from:     m.lastSeen.Wall, at: at, mine: t.mine(m) || untilNow,
		watched: m.watched,
	}
	if l.from == 0 {
		l.from = at
	}
	return l
}

// restore is that the meeting goes on and, if tell is set, that the loss is announced.
func (l loss) restore(tell bool) diff.Intent {
	restored := diff.Restore{Description: l.known, At: l.at}
	if !tell {
		return restored
	}
	return diff.All{restored, diff.StartFirst{At: l.at, What: diff.Lost{From: l.from, At: l.at}}}
}

// adoptLoss takes over what is stored of a meeting of which less is stored than was, and has it
// looked at.
func (t *locked) adoptLoss(m *meeting, record diff.Record, known uint64, l loss) {
	switch {
	case t.meetings[m.id] != m:
		return
	case m.record.Revision != known: // another goroutine has stored or read something meanwhile
		t.suspectLoss(m)
		return
	}
	if l.restored {
		delete(t.released, m.id)
	}
	m.losses++
	m.lookedAt, m.lostAt, m.lossUnannounced = 0, l.at, l.unannounced
	t.keep(m, record)
	if t.forgetIfOver(m); t.meetings[m.id] != m || !t.mine(m) {
		return
	}
	m.asked = true
	if !m.busy {
		t.enqueue(m, t.now())
	}
}

// noteLoss reports that something was lost. What is lost at about the same time is one report.
func (p *Poller) noteLoss(why error) {
	p.table.With(func(t *locked) { t.lossAt = t.now() })
	p.log.Debug("a loss is noticed", "error", why)
	p.health.failed(areaLost, errStoreLost)
}

// waitsForIDs tells whether err says no more than that the server refuses events that were lost, as
// it still remembers their ids. Everything else can be stored.
func (p *Poller) waitsForIDs(err error) bool {
	if !errors.Is(err, diff.ErrRemembered) {
		return false
	}
	if guarded.Get(p.table, func(t *locked) moment { return t.lossAt }) == 0 {
		p.noteLoss(err)
	}
	return true
}

// recovered tells whether everything that was lost has been announced again for a while.
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
