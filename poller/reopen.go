package poller

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/guarded"
)

const (
	// firstDoubt and longestDoubt are how long to leave, at first and at most, before it is asked again whether a meeting
	// goes on that is over and still listed.
	firstReopenCheck   = time.Minute
	longestReopenCheck = time.Hour
)

// doubt is about a meeting that is over, and that the organisation's list shows all the same.
type reopenCheck struct {
	ended int64 // when, in Unix milliseconds
	wait  time.Duration
	next  moment // when to ask again
}

// Discover is Watch for a meeting that nobody asked for, but that was found to go on at the time listedAt: one that somebody
// stopped watching stays unwatched, and one that ended since stays ended. A list may lag behind an end: one that ended
// before is watched again only when it is listed with a later start, or when the information call says that it goes on,
// which is asked less and less often.
func (p *Poller) Discover(ctx context.Context, conferenceID string, d diff.Description, listedAt time.Time) (bool, error) {
	now := p.wall().UnixMilli()
	shown := listed{start: d.StartTime, at: listedAt.UnixMilli(), now: now}
	began, s, err := p.watch(ctx, conferenceID, beginning(d, now, shown), false)
	if err != nil || began {
		return began, err
	}
	ended := shown.afterEnd(s)
	if ended == 0 || !p.goesOn(ctx, conferenceID, ended) {
		return false, nil
	}
	began, _, err = p.watch(ctx, conferenceID, beginning(d, now, stillEnded{at: ended, now: now}), false)
	return began, err
}

// listed is the condition that a meeting that is not watched is to be, because the organisation's list shows it: one that
// ended before only if it is listed with a later start.
type listed struct {
	start, at, now int64 // of the meeting, of the list, and now, in Unix milliseconds
}

// Holds implements [diff.Condition].
func (l listed) Holds(s *diff.State) bool {
	if s.Phase != diff.Ended {
		return s.Phase != diff.Unwatched
	}
	return !l.overSince(s) && l.start > endOf(s, l.now)
}

// overSince tells whether a meeting ended after it was listed.
func (l listed) overSince(s *diff.State) bool {
	return l.at <= max(endOf(s, l.now), past(s.LookedAt, l.now))
}

// afterEnd returns when a meeting ended that is listed after that all the same; 0 where that is not so.
func (l listed) afterEnd(s *diff.State) int64 {
	if s.Phase != diff.Ended || l.overSince(s) || l.Holds(s) {
		return 0
	}
	return max(endOf(s, l.now), 1)
}

// stillEnded is the condition that a meeting is over that ended at a time, in Unix milliseconds.
type stillEnded struct{ at, now int64 }

// Holds implements [diff.Condition].
func (e stillEnded) Holds(s *diff.State) bool {
	return s.Phase == diff.Ended && max(endOf(s, e.now), 1) == e.at
}

// goesOn tells whether the information call says that a meeting goes on that ended, if it is time to ask.
func (p *Poller) goesOn(ctx context.Context, conferenceID string, ended int64) bool {
	if !guarded.Get(p.table, func(t *locked) bool { return t.mayCheckReopened(conferenceID, ended) }) {
		return false
	}
	info, err := p.source.Info(ctx, conferenceID)
	switch {
	case err == nil:
		p.succeeded(areaInfo, routine)
	case isLimit(err):
		p.pause(err)
	}
	return err == nil && !info.Ended
}

// mayDoubt tells whether it is time to ask about a meeting that ended and is still listed, and puts off the next time.
func (t *locked) mayCheckReopened(conferenceID string, ended int64) bool {
	now := t.now()
	d := t.reopenChecks[conferenceID]
	if now < t.paused || d.ended == ended && now < d.next {
		return false
	}
	for id, old := range t.reopenChecks {
		if now > old.next+longestReopenCheck {
			delete(t.reopenChecks, id) // it is not listed any more
		}
	}
	if d.ended != ended {
		d = reopenCheck{ended: ended, wait: firstReopenCheck / 2}
	}
	d.wait = min(2*d.wait, longestReopenCheck)
	d.next = now + d.wait
	t.reopenChecks[conferenceID] = d
	return true
}
