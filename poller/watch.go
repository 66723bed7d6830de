package poller

import (
	"context"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Watch begins to watch a meeting, with a look at once, and tells whether it was not watched before. A meeting that
// ended, or that was watched earlier, goes on where it stopped. The meeting stays watched over restarts: when Watch
// returns, that is stored. An empty title leaves the title to DingTalk.
//
// Errors: [events.ErrConferenceID], [ErrNotReady], those of the [Store], and the cause of ctx. After one of the last two
// the meeting is not watched, though what is stored may say so: trying again, or a restart, settles it.
func (p *Poller) Watch(ctx context.Context, conferenceID, title string) (bool, error) {
	began, _, err := p.watch(ctx, conferenceID, beginning{description: diff.Description{Title: title, TitleGiven: true}})
	return began, err
}

// Discover is Watch for a meeting that nobody asked for, but that was found to go on at the time listed: one that somebody
// stopped watching stays unwatched, and one that ended since stays ended.
func (p *Poller) Discover(ctx context.Context, conferenceID string, d diff.Description, listed time.Time) (bool, error) {
	began, _, err := p.watch(ctx, conferenceID, beginning{description: d, wanted: func(s *diff.State) bool {
		if s.Phase == diff.Ended {
			return listed.UnixMilli() > max(endOf(s), s.LookedAt)
		}
		return s.Phase != diff.Unwatched
	}})
	return began, err
}

// beginning is how a meeting begins to be watched.
type beginning struct {
	description diff.Description
	// wanted tells whether a meeting in this state is to be watched; nil stands for always.
	wanted func(*diff.State) bool
	// atOnce announces the meeting even if nothing is known of it: news of its members is about to follow.
	atOnce bool
}

// watch begins to watch a meeting, if that is wanted and nobody does, and tells whether it did. It tells, too, whether the
// meeting is in the table now.
//
// The first look is left to the replica that the meeting belongs to: it hears of the meeting at once.
func (p *Poller) watch(ctx context.Context, conferenceID string, b beginning) (began, watched bool, err error) {
	if err := events.CheckConferenceID(conferenceID); err != nil {
		return false, false, err
	}
	l, err := p.reserve(ctx, conferenceID)
	if l == nil {
		return false, err == nil, err
	}
	began, watched, err = p.begin(ctx, l, b)
	if err != nil || !watched {
		p.release(l, outcome{over: true})
		return false, false, err
	}
	due := p.now()
	if began {
		due -= headStart
	}
	p.release(l, outcome{due: due})
	return began, true, nil
}

// begin stores that a meeting is watched from now on, if that is wanted and not so yet.
func (p *Poller) begin(ctx context.Context, l *look, b beginning) (began, watched bool, err error) {
	base, err := p.store.Load(ctx, l.id)
	if err != nil {
		return false, false, fmt.Errorf("watching %s: %w", l.id, err)
	}
	at := time.Now().UnixMilli()
	l.sight = at
	l.record = base
	if known := base.State; base.Revision > 0 && known.Phase == diff.Watched && sameDescription(known, known.Describe(b.description)) {
		return false, true, nil
	}
	l.record, _, err = p.store.Update(ctx, base, func(s *diff.State) diff.Result {
		began = s.Phase != diff.Watched || base.Revision == 0
		if began && b.wanted != nil && !b.wanted(s) {
			began = false
			return diff.Result{State: s}
		}
		return b.result(s, at)
	})
	if err != nil {
		var again error // what became of it is not always known; what is stored counts
		if l.record, again = p.store.Load(ctx, l.id); again != nil || l.record.Revision == base.Revision {
			return false, false, fmt.Errorf("watching %s: %w", l.id, err)
		}
	}
	return began, l.record.Revision > 0 && l.record.State.Phase == diff.Watched, nil
}

// result is the state of a meeting that is watched from the time at on.
func (b beginning) result(s *diff.State, at int64) diff.Result {
	next := s.Describe(b.description)
	if s.Phase != diff.Watched {
		next = s.Watch(b.description)
	}
	res := diff.Result{State: next, Changed: true}
	if b.atOnce || next.StartTime > 0 { // else the first look finds out what it is about
		res = res.Then(diff.Start(next, at))
	}
	return res
}

// Unwatch stops watching a meeting after a last look, without closing anybody out. It returns [ErrNotWatched] for a
// meeting that is not watched. When the last look fails or takes long, the meeting is given up all the same; while calls
// have to wait, there is none. With an error of the [Store], or the cause of ctx, the meeting goes on being watched.
func (p *Poller) Unwatch(ctx context.Context, conferenceID string) error {
	m, err := p.acquire(ctx, conferenceID)
	if err != nil {
		return err
	}
	if err := p.lookLast(ctx, m); err != nil {
		p.log.Warn("last look failed", "meeting", conferenceID, "error", err)
	}
	at := time.Now().UnixMilli()
	record, _, err := p.store.Update(ctx, m.record, func(s *diff.State) diff.Result {
		if s.Phase != diff.Watched { // over, or given up by somebody else
			return diff.Result{State: s}
		}
		closed := diff.CloseGap(s, at)
		return closed.Then(diff.Result{State: closed.State.WithPhase(diff.Unwatched), Changed: true})
	})
	if err != nil {
		m.doubt = true // it may be stored after all
		p.storeFailed(ctx, err)
		p.release(m, outcome{due: p.now()})
		return fmt.Errorf("giving up %s: %w", conferenceID, err)
	}
	m.record = record
	p.release(m, outcome{over: true})
	return nil
}

// lookLast looks at a meeting that is being given up.
func (p *Poller) lookLast(ctx context.Context, m *look) error {
	if p.isHalted() {
		return errPaused
	}
	ctx, cancel := context.WithTimeout(ctx, giveUpTime)
	defer cancel()
	err := p.askList(ctx, m, diff.Snapshot{})
	if isLimit(err) {
		p.pause(err)
	}
	return err
}

// LookNow asks for a look at a meeting as soon as the call rate allows, ahead of the meetings that are merely due. A
// meeting that is being looked at is looked at once more: what is asked about may have happened after the list was
// read. However often it is asked for, looks are at least the minimum interval apart, or three seconds if that is less.
// It returns [ErrNotWatched] for a meeting that is not watched.
func (p *Poller) LookNow(conferenceID string) error {
	return p.want(conferenceID, func(m *meeting) { m.asked = true })
}

// CheckEnd asks soon whether a meeting goes on: something suggests that it does not.
func (p *Poller) CheckEnd(conferenceID string) {
	_ = p.want(conferenceID, func(m *meeting) { m.asked, m.doubted = true, true }) // a meeting that is not watched has no end
}

// want has a meeting looked at here, whoever it belongs to. Of one that is not in the table and not ours it is not known
// whether it is watched: the look finds out.
func (p *Poller) want(conferenceID string, ask func(*meeting)) error {
	if err := events.CheckConferenceID(conferenceID); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.meetings[conferenceID]
	switch {
	case !p.loaded:
		return ErrNotReady
	case !ok:
		if m = p.newMeeting(conferenceID); p.mine(m) {
			return ErrNotWatched
		}
		p.meetings[conferenceID] = m
	case !m.watched && p.mine(m):
		return ErrNotWatched
	}
	ask(m)
	if !m.busy {
		p.enqueue(m, m.due)
	}
	return nil
}
