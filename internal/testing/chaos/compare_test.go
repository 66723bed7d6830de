package chaos_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// findings count what is wrong with what is stored.
type findings struct {
	lost        int // happened and is not stored
	invented    int // is stored and did not happen, or at another time
	doubled     int // stored events with the id of another one
	gaps        int // sequence numbers that do not follow on the one before
	alternation int // joined who is present, left who is not, or never left
	counts      int // wrong activeCounts
	views       int // meetings whose events are others by type than by meeting
	notes       *notes
}

// notes are what is said of what is wrong.
type notes struct {
	text []string
	told map[string]events.Event // the stored events by what happened
}

// maxNotes bounds how much is said of what is wrong.
const maxNotes = 30

func (f *findings) find(what *int, format string, args ...any) {
	if *what++; len(f.notes.text) < maxNotes {
		f.notes.text = append(f.notes.text, fmt.Sprintf(format, args...))
	}
}

// faultless tells whether nothing is wrong.
func (f *findings) faultless() bool {
	return f.lost+f.invented+f.doubled+f.gaps+f.alternation+f.counts+f.views == 0
}

// compare holds what is stored, in both its views, to what happened.
func compare(truth []history.MeetingTruth, byType, byMeeting []events.Event) *findings {
	f := &findings{notes: &notes{told: map[string]events.Event{}}}
	views := [2]map[string][]events.Event{sorted(byType), sorted(byMeeting)}
	known := map[string]bool{}
	for _, want := range truth {
		id := want.ConferenceID
		known[id] = true
		f.meeting(want, views[0][id])
		if a, b := ids(views[0][id]), ids(views[1][id]); !slices.Equal(a, b) {
			f.find(&f.views, "%s: the views differ: %d events by type, %d by meeting", id, len(a), len(b))
		}
	}
	for _, view := range views {
		for _, id := range slices.Sorted(maps.Keys(view)) {
			if !known[id] {
				f.find(&f.invented, "%s: there is no such meeting", id)
			}
		}
	}
	return f
}

// sorted is the events of every meeting.
func sorted(list []events.Event) map[string][]events.Event {
	out := map[string][]events.Event{}
	for _, e := range list {
		out[e.ConferenceID()] = append(out[e.ConferenceID()], e)
	}
	return out
}

func ids(list []events.Event) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.ID)
	}
	return out
}

// meeting compares one meeting: everything once, numbered without a gap, joined and left
// alternating for everybody.
func (f *findings) meeting(want history.MeetingTruth, got []events.Event) {
	present, seen, facts := map[string]bool{}, map[string]bool{}, map[string]int{}
	var last uint64
	for _, e := range got {
		where := fmt.Sprintf("%s: %d: %s %s", want.ConferenceID, e.Sequence, e.Subject, e.Type)
		if seen[e.ID] {
			f.find(&f.doubled, "%s is stored twice", where)
		} else {
			what := fact(e.Member.UnionID, e.Member.UserNick, string(e.Type), e.Time.UnixMilli())
			facts[what]++
			f.notes.told[what] = e
		}
		seen[e.ID] = true
		if e.Sequence != last+1 {
			f.find(&f.gaps, "%s follows %d", where, last)
		}
		last = e.Sequence
		if joined := e.Type == events.Joined; joined == present[e.Subject] {
			f.find(&f.alternation, "%s, present: %t", where, present[e.Subject])
		} else if joined {
			present[e.Subject] = true
		} else {
			delete(present, e.Subject)
		}
		if e.Member.ActiveCount != len(present) {
			f.find(&f.counts, "%s says %d are present, not %d", where, e.Member.ActiveCount, len(present))
		}
	}
	for person := range present {
		f.find(&f.alternation, "%s: %s never left", want.ConferenceID, person)
	}
	f.facts(want, facts)
}

// facts compares what happened with what is stored once every event counts once.
func (f *findings) facts(want history.MeetingTruth, facts map[string]int) {
	for _, e := range want.Events {
		what := fact(e.UnionID, e.Nick, "conference.member."+e.Event, e.At)
		if facts[what]--; facts[what] < 0 {
			f.find(&f.lost, "%s: %s is not stored", want.ConferenceID, what)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(facts)) {
		for range facts[what] {
			e := f.notes.told[what]
			f.find(&f.invented, "%s: %s did not happen: sequence %d, recorded %d, %+v", want.ConferenceID, what, e.Sequence, e.RecordedTime.UnixMilli(), *e.Member)
		}
	}
}

func fact(unionID, nick, what string, at int64) string {
	return fmt.Sprintf("%s/%s %s %d", unionID, nick, what, at)
}
