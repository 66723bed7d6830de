package diff

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/c4342123/rollcall/events"
)

// Description is what is known of a meeting besides its members. Fields may be empty.
type Description struct {
	Title string
	// TitleGiven says that the title was given by the one who asked to watch the meeting. It
	// stands, whatever DingTalk says later, until another is given.
	TitleGiven  bool
	CreatorID   string
	CreatorNick string
	StartTime   int64 // Unix milliseconds
}

// Describe returns the state with whatever d knows. What d does not know stays, and so does a title
// that was given, unless d's was given, too. If d changes nothing it returns s itself.
func (s *State) Describe(d Description) *State {
	next := *s
	if d.Title != "" && (d.TitleGiven || !s.TitleGiven) {
		next.Title, next.TitleGiven = d.Title, d.TitleGiven
	}
	next.CreatorID, next.CreatorNick = cmp.Or(d.CreatorID, s.CreatorID), cmp.Or(d.CreatorNick, s.CreatorNick)
	next.StartTime = cmp.Or(d.StartTime, s.StartTime)
	if next.Description() == s.Description() {
		return s
	}
	return &next
}

// Complete is Describe for what may be older than what is known, a push or a list of meetings: it
// adds what is not known, and replaces only a title, by one that was given.
func (s *State) Complete(d Description) *State {
	if s.Title != "" && !d.TitleGiven {
		d.Title = ""
	}
	d.CreatorID, d.CreatorNick = cmp.Or(s.CreatorID, d.CreatorID), cmp.Or(s.CreatorNick, d.CreatorNick)
	d.StartTime = cmp.Or(s.StartTime, d.StartTime)
	return s.Describe(d)
}

// Description is what is known of the meeting besides its members.
func (s *State) Description() Description {
	return Description{s.Title, s.TitleGiven, s.CreatorID, s.CreatorNick, s.StartTime}
}

// Watch returns the state of a meeting that is watched from now on, which is yet to be announced;
// see [Start].
func (s *State) Watch(d Description) *State {
	next := *s.Describe(d)
	next.Phase, next.known, next.EndTime, next.StartedAt = Watched, true, 0, 0
	next.GapFrom, next.GapReason = 0, "" // nothing was to be looked at
	return &next
}

// Start announces that a meeting is watched. A meeting that is not watched, or was announced
// before, gives nothing.
type Start struct {
	At int64 // the time of observation, in Unix milliseconds
}

// Apply implements [Intent].
func (i Start) Apply(s *State) Result {
	if s.Phase != Watched || s.StartedAt > 0 {
		return Result{State: s}
	}
	next := *s
	next.StartedAt, next.restarted = i.At, false
	m := next.meeting(events.StartWatched)
	m.Restarted = s.restarted
	return Result{State: &next, Changed: true, Events: []events.Event{{
		ID: events.MeetingID(s.ConferenceID, i.At, events.MeetingStarted, ""), Type: events.MeetingStarted,
		Time: time.UnixMilli(i.At).UTC(), Meeting: m,
	}}}
}

func (i Start) String() string { return fmt.Sprintf("start at %d", i.At) }

// StartFirst is another intent, before whose events the meeting's start is announced, if that is
// yet to come. Without events the start waits: a later look may find out what the meeting is about.
type StartFirst struct {
	At   int64 // see [Start]
	What Intent
}

// Apply implements [Intent].
func (i StartFirst) Apply(s *State) Result {
	start := Start{At: i.At}.Apply(s)
	if start.Changed {
		if res := i.What.Apply(start.State); len(res.Events) > 0 {
			return start.Then(res)
		}
	}
	return i.What.Apply(s)
}

func (i StartFirst) String() string { return fmt.Sprintf("start before %v", i.What) }

// meeting is the data of an event about the meeting itself.
func (s *State) meeting(reason string) *events.Meeting {
	return &events.Meeting{
		ConferenceID: s.ConferenceID, Title: s.Title, CreatorID: s.CreatorID, CreatorNick: s.CreatorNick,
		StartTime: s.StartTime, EndTime: s.EndTime, Reason: reason,
	}
}

// End announces that a meeting is over, and how that was noticed, once it has been closed out: it
// is applied to what a [Snapshot] that says so leads to. An open gap ends with it.
type End struct {
	At     int64 // the time of observation, in Unix milliseconds
	Reason string
}

// Apply implements [Intent].
func (i End) Apply(s *State) Result {
	if s.Phase != Ended {
		return Result{State: s}
	}
	res := CloseGap(s, i.At)
	m := s.meeting(i.Reason)
	// Who created the meeting stands in its start. Whoever is forgotten takes that along, and its end
	// stays.
	m.CreatorID, m.CreatorNick = "", ""
	m.People, m.Peak, m.PersonMinutes = s.totals()
	res.Events = append(res.Events, events.Event{
		// A meeting that is watched again may end again, at the same time: the observation tells
		// the two apart.
		ID: events.MeetingID(s.ConferenceID, i.At, events.MeetingEnded, ""), Type: events.MeetingEnded,
		Time: time.UnixMilli(cmp.Or(s.EndTime, i.At)).UTC(), Meeting: m,
	})
	res.Changed, res.own.end = true, true
	return res
}

func (i End) String() string { return fmt.Sprintf("end at %d (%s)", i.At, i.Reason) }

// totals counts who attended, the most at one time, and the minutes all attendances add up to.
func (s *State) totals() (people, peak int, minutes float64) {
	visits := slices.Clone(s.past)
	for i := range s.people {
		if p := &s.people[i]; p.start > 0 {
			people++
			visits = append(visits, visit{start: p.start, end: p.end})
		}
	}
	total := int64(0)
	for _, v := range visits {
		if v.end > 0 {
			total += v.end - v.start
		}
	}
	peak = events.Peak(len(visits), func(i int) (start, end int64) { return visits[i].start, visits[i].end })
	return people, peak, float64(total) / float64(time.Minute.Milliseconds())
}
