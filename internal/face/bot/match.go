package bot

import (
	"slices"
	"time"

	"github.com/c4342123/rollcall/events"
)

// rule says what a robot is told. Every part of it has to fit.
type rule struct {
	meetings words
	titles   patterns
	people   words
	names    patterns
	guests   guests
	types    []events.Type
	initial  bool
}

// fits tells whether an event is to be told, as far as the title does not matter.
func (r rule) fits(e events.Event) bool {
	m := e.Member
	guest := m.OuterOrgMember || m.UnionID == ""
	switch {
	case m.Initial && !r.initial, !slices.Contains(r.types, e.Type), !r.meetings.match(m.ConferenceID):
		return false
	case guest && r.guests == guestsNone, !guest && r.guests == guestsOnly:
		return false
	}
	return r.people.match(e.Subject) && r.names.match(m.UserNick)
}

// verdict says why an event is told, or why not.
type verdict string

const (
	told        verdict = "told"
	noRule      verdict = "no rule fits"
	tooOld      verdict = "too old"
	quietHours  verdict = "in quiet hours"
	needsATitle verdict = "needs a title"
)

// judge decides about an event. Title is nil as long as it is not known: the verdict is needsATitle
// when it depends on it.
func (t *target) judge(e events.Event, title *string, now time.Time, maxAge time.Duration) verdict {
	fits, byTitle := false, false
	for _, r := range t.rules {
		switch {
		case !r.fits(e):
		case title == nil:
			byTitle = true
		case r.titles.match(*title):
			fits = true
		}
	}
	switch {
	case !fits && !byTitle:
		return noRule
	case maxAge > 0 && now.Sub(e.Time) > maxAge:
		return tooOld
	case t.quiet.drop && t.quiet.at(e.Time):
		return quietHours
	case !fits:
		return needsATitle
	}
	return told
}
