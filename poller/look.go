package poller

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// errOver says that the meeting is not watched any more: it ended, or was unwatched.
var errOver = errors.New("meeting is over")

// look makes the calls that are due and stores what follows.
func (p *Poller) look(ctx context.Context, m *look) outcome {
	var ours bool
	p.table.With(func(t *locked) { ctx, ours = t.enter(ctx, m) })
	if !ours {
		return outcome{due: p.now()}
	}
	p.counts.looks.Add(1)
	err := p.reread(ctx, m)
	if err == nil {
		err = p.makeCalls(ctx, m)
	}
	if told := p.storeLearnt(ctx, m); err == nil || errors.Is(told, errOver) {
		err = told
	}
	switch {
	case errors.Is(err, errOver):
		p.logOver(m)
		return outcome{}
	case ctx.Err() != nil:
		return outcome{due: p.now()}
	case err != nil:
		return p.failed(m, err)
	}
	before := m.lastError
	m.lastError = cmp.Or(m.listError, m.infoError)
	if before != "" && m.lastError == "" {
		p.health.ok(areaMeeting + m.id)
	}
	return outcome{due: min(m.next(), p.now()+reviewAfter), ok: m.urgency() != lastLook}
}

// storeLearnt stores what was learnt of the meeting, if that is not stored yet.
func (p *Poller) storeLearnt(ctx context.Context, m *look) error {
	if m.learnt == (diff.Description{}) || m.mustReread || ctx.Err() != nil {
		return nil
	}
	_, err := p.update(ctx, m, diff.All{})
	return err
}

// makeCalls makes the calls that are due: the list first, as its news is waited for. Either call is
// made although the other fails.
func (p *Poller) makeCalls(ctx context.Context, m *look) error {
	heads, err := p.announceStart(ctx, m)
	if err != nil {
		return err
	}
	if m.closes() {
		return p.readList(ctx, m)
	}
	list, info := m.plan(p.now())
	if list && m.mayPeek() {
		var enough bool
		if heads, enough, err = p.peek(ctx, m); err != nil || enough {
			return err
		}
		info = false
	}
	if list && info && p.thrifty() { // when it is over one list tells all
		if heads, err = p.askInfo(ctx, m); err != nil {
			return err
		}
		info = false
	}
	var failed error
	if list {
		if failed = p.readList(ctx, m); stops(ctx, failed) {
			return failed
		}
		// Made right away if it is due now: many meetings may be due before this one's turn comes
		// again.
		info = info || failed == nil && m.infoDue <= p.now()
	}
	if info || isTrouble(failed, NotFound) {
		return p.askAfterList(ctx, m, list, failed)
	}
	m.noteHeadCount(heads, list && failed == nil)
	return failed
}

// askAfterList makes the information call, after the list if that was due and failed or not. It
// acts on what the call says: that the meeting is over, or that people came or went.
func (p *Poller) askAfterList(ctx context.Context, m *look, list bool, failed error) error {
	heads, err := p.askInfo(ctx, m)
	switch {
	case err != nil:
		return err
	case m.ending > 0 && p.toldAll(m):
		return p.closeOut(ctx, m)
	case m.ending > 0, m.moved(heads) && !list && m.failures == 0:
		list, failed = true, p.readList(ctx, m)
	}
	m.noteHeadCount(heads, list && failed == nil)
	return failed
}

// announceStart announces a meeting that is newly watched, with its description if the information
// call gives one. It returns the head-count, if it made that call.
func (p *Poller) announceStart(ctx context.Context, m *look) (heads count, err error) {
	heads = unknown
	if m.ending > 0 || m.record.State.StartedAt > 0 {
		return heads, nil
	}
	if s := m.record.State; s.CreatorID == "" && s.StartTime == 0 && m.closing == 0 && m.infoFailures == 0 && m.infoDue <= p.now() {
		if heads, err = p.askInfo(ctx, m); err != nil {
			return heads, err
		}
	}
	_, err = p.update(ctx, m, diff.Start{At: p.wall().UnixMilli()})
	return heads, err
}

// stops tells whether no further call makes sense after err.
func stops(ctx context.Context, err error) bool {
	_, upstream := troubleOf(err)
	return err != nil && (ctx.Err() != nil || !upstream || isLimit(err))
}

// readList reads the member list and stores what follows. It closes the meeting out when that is
// over.
func (p *Poller) readList(ctx context.Context, m *look) error {
	if m.closing > 0 && m.closeTried == 0 {
		m.closeTried = p.now()
	}
	list, snap, err := p.askList(ctx, m)
	if err == nil {
		return p.storeLastList(ctx, m, list, snap)
	}
	// While calls are saved it is enough that a push and the list agree.
	agree := p.thrifty() && m.closing > endUnknown && isTrouble(err, NotFound)
	if ctx.Err() != nil || !m.givesUpList(err, p.now()) && !agree {
		return err
	}
	if m.ending == 0 && m.endsBefore() { // the push may be old, and nothing confirms it
		m.closing, m.closeTried = 0, 0
		return err
	}
	p.log.Info("meeting is closed out without its list", "meeting", m.id, "error", err)
	switch {
	case m.closing > 0:
		m.endByPush(p.now())
	case m.ending == 0:
		m.why = events.EndNotFound
	}
	return p.closeOut(ctx, m)
}

// closeOut closes a meeting out that is over, without another list.
func (p *Poller) closeOut(ctx context.Context, m *look) error {
	at := p.wall().UnixMilli()
	_, err := p.storeSnapshot(ctx, m, diff.Snapshot{
		Kind: diff.Partial, Rows: p.left(m), From: at, At: at, Over: true, EndTime: m.endTime,
	})
	return err
}

// storeLastList stores what a list shows, and closes the meeting out if it is over, or if a push
// says so and the list does not deny it.
func (p *Poller) storeLastList(ctx context.Context, m *look, list List, snap diff.Snapshot) error {
	denied, err := p.judgeClosed(ctx, m, list.Rows)
	if err != nil {
		return err
	}
	snap.Over, snap.EndTime = m.ending > 0, m.endTime
	if err := p.storeList(ctx, m, list, snap); err != nil {
		return err
	}
	switch {
	case denied:
		m.listDue = min(m.listDue, p.now()+recheckAfter)
	case m.closing > 0:
		m.listDue = min(m.listDue, m.infoDue)
	}
	return nil
}

// failed decides when to look again after a look that failed.
func (p *Poller) failed(m *look, err error) outcome {
	p.counts.failures.Add(1)
	m.lastError = err.Error()
	now := p.now()
	trouble, _ := troubleOf(err)
	if isLimit(err) {
		p.pause(err)
		if trouble != Exhausted || m.urgency() != lastLook {
			return outcome{due: now}
		}
	}
	m.failures++
	m.listError = m.lastError
	m.trouble = trouble.String()
	var stored *storeError
	switch {
	case errors.As(err, &stored):
		p.storeTrouble(areaMeeting+m.id, err)
		return outcome{due: now + jittered(retryAfter(m.failures, stored.longest), 0, rand.Float64())}
	case trouble == Exhausted:
		m.listDue = now + jittered(retryAfter(m.failures, maxRetry), 0, rand.Float64())
		return outcome{due: m.listDue}
	case trouble == NotFound:
		m.listDue = max(m.notFound+recheckAfter, now)
	default:
		p.health.callFailed(areaUpstream, m.id, err)
		longest := trouble.longestPause()
		if m.closes() {
			longest = maxRetry // the close-out waits for it
		}
		wait := max(retryAfter(m.failures, longest), waitOf(err))
		m.listDue = now + jittered(wait, waitOf(err), rand.Float64())
	}
	return outcome{due: m.next()}
}
