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

// Watch begins to watch a meeting, with a look at once, and tells whether it was not watched
// before. A meeting that ended, or that was watched earlier, goes on where it stopped. The meeting
// stays watched over restarts: when Watch returns, that is stored. A title stands, whatever
// DingTalk calls the meeting, until another is given; an empty one leaves the title as it is.
//
// Errors: [events.ErrConferenceID], [ErrNotReady], [ErrStopping], those of the [Store], and the
// cause of ctx. After one of the last two the meeting may or may not be watched: trying again
// decides it.
func (p *Poller) Watch(ctx context.Context, conferenceID, title string) (bool, error) {
	if err := p.untilUnwatched(ctx, conferenceID); err != nil { // so that the later request counts
		return false, err
	}
	b := beginning(diff.Description{Title: title, TitleGiven: true}, p.wall().UnixMilli(), nil)
	began, _, err := p.watch(ctx, conferenceID, b, true)
	return began, err
}

// beginning is that a meeting is watched from at on, in Unix milliseconds, if wanted holds, and
// that d is known of it. A nil condition stands for always.
func beginning(d diff.Description, at int64, wanted diff.Condition) diff.Intent {
	return diff.IfWatched{
		Then: diff.FillIn{Description: d, At: at},
		Else: diff.Watch{Description: d, At: at, If: wanted},
	}
}

// watch begins to watch a meeting, and tells whether it was not watched before, and what is stored
// of the meeting now. atOnce has the first look made at once. It waits for the store only.
func (p *Poller) watch(ctx context.Context, conferenceID string, begin diff.Intent, atOnce bool) (began bool, s *diff.State, err error) {
	if err := events.CheckConferenceID(conferenceID); err != nil {
		return false, nil, err
	}
	if !guarded.Get(p.table, (*locked).isLoaded) {
		return false, nil, ErrNotReady
	}
	m := guarded.Get(p.table, func(t *locked) *meeting { return t.visit(conferenceID) })
	e, err := p.apply(ctx, m, begin)
	switch {
	case err == nil:
		s = e.record.State
	case e != nil:
		s = p.watched(ctx, m, begin)
	}
	if s == nil {
		return false, nil, fmt.Errorf("watching %s: %w", conferenceID, err)
	}
	if e.result.Began {
		p.table.With(func(t *locked) { t.noteBegan(s, false, atOnce) })
	}
	return e.result.Began, s, nil
}

// watched returns what is stored of a meeting if begin has nothing left to change, although there
// was an error: not every error means that nothing was stored. Otherwise it returns nil.
func (p *Poller) watched(ctx context.Context, m *meeting, begin diff.Intent) *diff.State {
	record, err := p.store.Load(ctx, m.id)
	if err != nil || begin.Apply(record.State).Changed {
		return nil
	}
	p.table.With(func(t *locked) { t.adopt(m, record, read) })
	if record.State.Phase != diff.Watched {
		return nil
	}
	return record.State
}

// queueFirstLook has the first look made at a meeting that is watched from now on. If the meeting
// belongs to another replica, that learns of it at once, and looks.
func (t *locked) queueFirstLook(conferenceID string, atOnce bool) {
	m, ok := t.meetings[conferenceID]
	if !ok || !t.mine(m) {
		return
	}
	m.lastSeen = t.lookTime(m.record.State)
	if atOnce || !t.thrifty() {
		m.listDue, m.infoDue = 0, 0 // the table may know it from when it was watched before
		t.arrange(m, t.now()-headStart)
		return
	}
	wait := t.firstLook(m.record.State)
	m.interval = max(m.interval, wait)
	m.listDue, m.infoDue, m.checkDue = t.now()+wait, t.now()+thriftyInfo, forever
	t.arrange(m, min(m.listDue, t.now()+reviewAfter))
}

// noteBegan takes note that a meeting is watched from now on, and whether a push told of it, and
// has the first look made, for somebody who waits for it at once.
func (t *locked) noteBegan(s *diff.State, told, atOnce bool) {
	started := time.Time{}
	if s.StartTime > 0 {
		started = time.UnixMilli(s.StartTime)
	}
	t.opts.Month.Began(started, told)
	if !told && !started.IsZero() && t.wall().Sub(started) >= lateStart {
		t.proof = proof{} // a push would have told
	}
	t.queueFirstLook(s.ConferenceID, atOnce)
}

// arrange queues a meeting unless it is busy. Before the stored states have been read nothing is
// queued: it is not known yet since when there was no look.
func (t *locked) arrange(m *meeting, due moment) {
	if !m.busy && t.loaded {
		t.enqueue(m, due)
	}
}

// Unwatch stops watching a meeting after a last look, without closing anybody out. It returns
// [ErrNotWatched] for a meeting that is not watched. If the last look fails or takes long, the
// meeting is unwatched all the same; while calls have to wait, there is none. After an error of the
// [Store], or the cause of ctx, the meeting is still watched.
func (p *Poller) Unwatch(ctx context.Context, conferenceID string) error {
	m, err := p.acquire(ctx, conferenceID)
	if err != nil {
		return err
	}
	if err := p.lookLast(ctx, m); err != nil {
		p.log.Warn("last look failed", "meeting", conferenceID, "error", err)
	}
	giveUp := diff.Unwatch{At: p.wall().UnixMilli()}
	record, _, err := p.store.Update(ctx, m.record, giveUp)
	if errors.Is(err, diff.ErrLost) {
		record, _, err = p.store.Update(ctx, record, giveUp)
	}
	if err != nil {
		m.mustReread = true // it may be stored all the same
		p.notStored(err)
		p.release(m, outcome{due: p.now()})
		return fmt.Errorf("giving up %s: %w", conferenceID, err)
	}
	p.table.With(func(t *locked) { t.adopt(m.m, record, ours) })
	p.release(m, outcome{})
	return nil
}

// lookLast looks at a meeting that is being unwatched.
func (p *Poller) lookLast(ctx context.Context, m *look) error {
	if guarded.Get(p.table, (*locked).isHalted) {
		return errPaused
	}
	ctx, cancel := context.WithTimeout(ctx, giveUpTime)
	defer cancel()
	list, snap, err := p.askList(ctx, m)
	if err == nil {
		err = p.storeList(ctx, m, list, snap)
	}
	if isLimit(err) {
		p.pause(err)
	}
	return err
}

// LookNow asks for a look at a meeting as soon as the call rate allows, before meetings that are
// merely due. If a look is under way another one follows: what is asked about may have happened
// after the list was read. However often it is asked for, looks are at least the minimum interval
// apart, or three seconds if that is less. It returns [ErrNotWatched] for a meeting that is not
// watched.
func (p *Poller) LookNow(conferenceID string) error {
	return p.want(conferenceID, func(m *meeting) { m.asked, m.pressed = true, true })
}

// CheckEnd has it asked soon whether a meeting goes on, as something suggests that it does not.
func (p *Poller) CheckEnd(conferenceID string) {
	// A meeting that is not watched has no end. While calls are saved the list is read only when
	// the meeting is over.
	_ = p.want(conferenceID, func(m *meeting) { m.asked, m.endSuspected = !p.thrifty(), true })
}

// want has this replica look at a meeting, even if it is not ours. Of one that is neither in the
// table nor ours it is not known whether it is watched: the look finds out.
func (p *Poller) want(conferenceID string, ask func(*meeting)) error {
	if err := events.CheckConferenceID(conferenceID); err != nil {
		return err
	}
	return guarded.Get(p.table, func(t *locked) error { return t.want(conferenceID, ask) })
}

func (t *locked) want(conferenceID string, ask func(*meeting)) error {
	m, ok := t.meetings[conferenceID]
	switch {
	case !t.loaded:
		return ErrNotReady
	case !ok:
		if m = t.newMeeting(conferenceID); t.mine(m) {
			return ErrNotWatched
		}
		t.meetings[conferenceID] = m
	case !m.watched && t.mine(m):
		return ErrNotWatched
	}
	ask(m)
	due := m.due
	if m.endSuspected && !m.asked {
		due = min(due, t.now())
	}
	t.arrange(m, due)
	return nil
}
