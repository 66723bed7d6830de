package poller

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

// count is how many people there are, as the information call says.
type count struct{ active, attended int }

// unknown is the count of a meeting that could not be asked about.
var unknown = count{active: -1}

// askInfo makes the information call and returns its count, or unknown without an answer. It
// returns only errors after which no further call makes sense.
func (p *Poller) askInfo(ctx context.Context, m *look) (count, error) {
	// Information calls that hang must not keep the lists from being read: they get no more than
	// half of the workers.
	select {
	case p.infos <- struct{}{}:
		defer func() { <-p.infos }()
	default:
		m.infoPutOff = min(m.infoPutOff+1, math.MaxUint8-1)
		m.infoDue = p.now() + jittered(retryAfter(int(m.infoPutOff), maxRetry), 0, rand.Float64())
		m.checkDue = max(m.checkDue, m.infoDue)
		return unknown, nil
	}
	m.infoPutOff = 0
	began := p.now()
	m.checkDue = began + p.stretched(checkAfter)
	info, err := p.source.Info(m.calling(ctx), m.id)
	switch {
	case err == nil:
	case ctx.Err() != nil || isLimit(err):
		return unknown, err
	default:
		p.infoFailed(m, err, p.now()-began)
		return unknown, nil
	}
	m.infoDue, m.infoFailures, m.infoError = began+p.stretched(infoAfter), 0, ""
	p.succeeded(areaInfo, m.urgency())
	m.describe(info)
	if info.Ended {
		m.ending, m.endTime, m.why = p.now(), info.EndTime, events.EndEnded
	}
	return count{info.ActiveCount, info.AttendedCount}, nil
}

// infoFailed decides when to ask again after an information call that failed. The longer the call
// took, the longer the pause: a call that hangs keeps the list from being read.
func (p *Poller) infoFailed(m *look, err error, took time.Duration) {
	m.infoFailures++
	m.infoError = err.Error()
	trouble, _ := troubleOf(err)
	wait := max(infoAfter, retryAfter(m.infoFailures, trouble.longestPause()), waitOf(err))
	m.infoDue = p.now() + jittered(wait, waitOf(err), rand.Float64()) + 3*took
	if trouble != NotFound { // which the list confirms or not
		p.health.callFailed(areaInfo, m.id, err)
	}
}

// askList reads the member list.
func (p *Poller) askList(ctx context.Context, m *look) (list List, snap diff.Snapshot, err error) {
	m.checkDue = p.now() + p.stretched(checkAfter)
	asking, began := p.reading(m.calling(ctx), m)
	if list, err = p.source.Members(asking, m.id); err != nil {
		return list, snap, err
	}
	p.succeeded(areaUpstream, m.urgency())
	m.notFound = 0
	snap.From, snap.Since = began.at, began.known
	snap.At = max(p.wall().UnixMilli(), snap.From)
	m.listRead = diff.LookTime{Steady: p.now(), Wall: snap.At}
	snap.Rows = list.Rows
	if !list.Certain {
		snap.Kind = diff.Uncertain
		p.counts.uncertain.Add(1)
	}
	return list, snap, nil
}

// storeList stores what a list shows that has changed.
func (p *Poller) storeList(ctx context.Context, m *look, list List, snap diff.Snapshot) error {
	first := m.record.State.LookedAt == 0
	found := m.record.State.LookedAt < m.record.State.StartedAt
	res, err := p.storeSnapshot(ctx, m, snap)
	if found && (err == nil || errors.Is(err, errOver)) {
		p.logFound(m.record.State, res.Events)
	}
	if err != nil {
		return err
	}
	m.listRead.Known = m.record.State.Mark()
	m.lastLook, m.lastSeen, m.away, m.failures, m.listError, m.trouble = snap.At, m.listRead, false, 0, "", ""
	m.certain = list.Certain
	m.pages, m.peeks = int32(max(list.Calls, 1)), 0
	p.table.With(func(t *locked) { t.compareList(countNamed(res.Events)) })
	p.paceList(m, first, countMembers(res.Events))
	if res.LookNow {
		m.listDue = min(m.listDue, p.now()+recheckAfter)
	}
	return nil
}

// countMembers counts the changes that no push had announced.
func countMembers(found []events.Event) int {
	n := 0
	for _, e := range found {
		if e.Member != nil {
			n++
		}
	}
	return n
}

// storeError is a failure to store what a look found, or to read the state it begins with. The next
// look finds the same again.
type storeError struct {
	err     error
	longest time.Duration // how long to wait at most before trying again
}

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// storeSnapshot stores what a snapshot shows. It returns errOver when the meeting is not watched
// any more: the snapshot ended it, or another replica did, or it was unwatched.
func (p *Poller) storeSnapshot(ctx context.Context, m *look, snap diff.Snapshot) (diff.Result, error) {
	snap.Via = events.ViaPoll
	wants := diff.All{m.gapBefore(snap, p.gapAfter(m.interval)), snap}
	if snap.Over {
		wants = append(wants, diff.End{At: snap.At, Reason: m.why})
	}
	return p.update(ctx, m, wants)
}

// update stores what a look wants of its meeting, together with what it learnt about it. It returns
// errOver when the meeting is not watched any more. A meeting whose state was lost goes on being
// watched.
func (p *Poller) update(ctx context.Context, m *look, want diff.Intent) (diff.Result, error) {
	e, err := p.apply(ctx, m.m, diff.IfWatched{
		Else: diff.KeepWatching{Description: m.record.State.Description()},
		Then: diff.All{diff.Describe{Description: m.learnt, At: p.wall().UnixMilli()}, want},
	})
	if err != nil {
		m.mustReread = true
		if errors.Is(err, diff.ErrRemembered) {
			return diff.Result{}, &storeError{err, maxStoreRetry}
		}
		return diff.Result{}, &storeError{err, maxRetry}
	}
	m.record, m.learnt = e.record, diff.Description{}
	p.logEnded(e.result.Events)
	p.counts.unknownStatus.Add(uint64(e.result.UnknownStatus))
	if e.record.State.Phase != diff.Watched {
		return e.result, errOver
	}
	return e.result, nil
}

// reread reads the stored state if it is not in memory, or if storing failed before, as it is not
// known then what is stored. While it cannot be read no call is made, as its outcome could not be
// stored.
func (p *Poller) reread(ctx context.Context, m *look) error {
	if !m.mustReread && m.record.State != nil {
		return m.over()
	}
	record, err := p.fetch(ctx, m.m)
	if err != nil {
		if ctx.Err() == nil {
			p.storeTrouble(areaState, err)
		}
		return &storeError{err, maxStoreRetry}
	}
	p.health.ok(areaState)
	m.record, m.mustReread = record, false
	m.losses = guarded.Get(p.table, func(*locked) int32 { return m.m.losses })
	return m.over()
}

// over returns errOver if the meeting is not watched.
func (m *look) over() error {
	if !m.record.State.IsWatched() {
		return errOver
	}
	return nil
}
