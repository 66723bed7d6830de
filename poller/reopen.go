package poller

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/guarded"
)

const (
	// firstReopenCheck and longestReopenCheck are how long to wait, at first and at most, before it
	// is asked again whether a meeting that ended and is still listed goes on.
	firstReopenCheck   = time.Minute
	longestReopenCheck = time.Hour
)

// reopenCheck is about a meeting that ended and that the organisation's list still shows.
type reopenCheck struct {
	ended int64 // when, in Unix milliseconds
	wait  time.Duration
	next  moment // when to ask again
}

// Discover is Watch for a meeting that was found in a list at the time listedAt, not asked for. One
// that was unwatched stays so, and one that ended since stays ended. A list may lag behind an end:
// one that ended before is watched again only if it is listed with a later start, or if the
// information call says that it goes on. That is asked less and less often.
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

// listed is the condition under which a meeting in the organisation's list is watched that is not.
// One that ended is only if it is listed with a later start.
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

// afterEnd returns when a meeting ended that is listed after that without a later start, or 0.
func (l listed) afterEnd(s *diff.State) int64 {
	if s.Phase != diff.Ended || l.overSince(s) || l.Holds(s) {
		return 0
	}
	return max(endOf(s, l.now), 1)
}

// stillEnded is the condition that a meeting is over, and ended at a time in Unix milliseconds.
type stillEnded struct{ at, now int64 }

// Holds implements [diff.Condition].
func (e stillEnded) Holds(s *diff.State) bool {
	return s.Phase == diff.Ended && max(endOf(s, e.now), 1) == e.at
}

// goesOn asks, if it is time to, whether a meeting that ended goes on.
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

// mayCheckReopened tells whether it is time to ask whether a meeting that ended goes on, and sets
// the next time.
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
