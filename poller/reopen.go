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
	firstDoubt   = time.Minute
	longestDoubt = time.Hour
)

// doubt is about a meeting that is over, and that the organisation's list shows all the same.
type doubt struct {
	ended int64 // when, in Unix milliseconds
	wait  time.Duration
	next  moment // when to ask again
}

// Discover is Watch for a meeting that nobody asked for, but that was found to go on at the time listed: one that somebody
// stopped watching stays unwatched, and one that ended since stays ended. A list may lag behind an end: one that ended
// before is watched again only when it is listed with a later start, or when the information call says that it goes on,
// which is asked less and less often.
func (p *Poller) Discover(ctx context.Context, conferenceID string, d diff.Description, listed time.Time) (bool, error) {
	var ended int64 // when it ended, if there is doubt
	now := p.wall().UnixMilli()
	began, err := p.watch(ctx, conferenceID, beginning{description: d, wanted: func(s *diff.State) bool {
		ended = 0
		end := endOf(s, now)
		switch {
		case s.Phase != diff.Ended:
			return s.Phase != diff.Unwatched
		case listed.UnixMilli() <= max(end, past(s.LookedAt, now)):
			return false
		case d.StartTime > end:
			return true
		}
		ended = max(end, 1)
		return false
	}})
	if err != nil || began || ended == 0 || !p.goesOn(ctx, conferenceID, ended) {
		return began, err
	}
	return p.watch(ctx, conferenceID, beginning{description: d, wanted: func(s *diff.State) bool {
		return s.Phase == diff.Ended && max(endOf(s, now), 1) == ended
	}})
}

// goesOn tells whether the information call says that a meeting goes on that ended, if it is time to ask.
func (p *Poller) goesOn(ctx context.Context, conferenceID string, ended int64) bool {
	if !guarded.Get(p.table, func(t *locked) bool { return t.mayDoubt(conferenceID, ended) }) {
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
func (t *locked) mayDoubt(conferenceID string, ended int64) bool {
	now := t.now()
	d := t.doubts[conferenceID]
	if now < t.paused || d.ended == ended && now < d.next {
		return false
	}
	for id, old := range t.doubts {
		if now > old.next+longestDoubt {
			delete(t.doubts, id) // it is not listed any more
		}
	}
	if d.ended != ended {
		d = doubt{ended: ended, wait: firstDoubt / 2}
	}
	d.wait = min(2*d.wait, longestDoubt)
	d.next = now + d.wait
	t.doubts[conferenceID] = d
	return true
}
