package diff

import (
	"cmp"
	"slices"
	"time"

	"github.com/c4342123/rollcall/events"
)

// Description is what is known of a meeting besides its members. Fields may be empty.
type Description struct {
	Title string
	// TitleGiven says that whoever asked to watch the meeting gave the title. It stands whatever DingTalk says later,
	// until another is given.
	TitleGiven  bool
	CreatorID   string
	CreatorNick string
	StartTime   int64 // Unix milliseconds
}

// Describe returns the state with whatever d knows; what d does not know stays, and so does a title that was given,
// unless d's was given, too. A state that d does not change is returned itself.
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

// Complete is Describe for what may be older than what is known, a push or a list of meetings: only a title that was
// given replaces anything.
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

// Watch returns the state of a meeting that is watched from now on, which is yet to be announced; see [Start].
func (s *State) Watch(d Description) *State {
	next := *s.Describe(d)
	next.Phase, next.known, next.EndTime, next.StartedAt = Watched, true, 0, 0
	next.GapFrom, next.GapReason = 0, "" // nobody was to look
	return &next
}

// Start announces that a meeting is watched. at is the time of observation, in Unix milliseconds. A meeting that is not
// watched, or was announced before, gives nothing.
func Start(s *State, at int64) Result {
	if s.Phase != Watched || s.StartedAt > 0 {
		return Result{State: s}
	}
	next := *s
	next.StartedAt = at
	return Result{State: &next, Changed: true, Events: []events.Event{{
		ID: events.MeetingID(s.ConferenceID, at, events.MeetingStarted, ""), Type: events.MeetingStarted,
		Time: time.UnixMilli(at).UTC(), Meeting: next.meeting(events.StartWatched),
	}}}
}

// meeting is the data of an event about the meeting itself.
func (s *State) meeting(reason string) *events.Meeting {
	return &events.Meeting{
		ConferenceID: s.ConferenceID, Title: s.Title, CreatorID: s.CreatorID, CreatorNick: s.CreatorNick,
		StartTime: s.StartTime, EndTime: s.EndTime, Reason: reason,
	}
}

// oddClock is how much later than now, in milliseconds, a time has to be to be another clock's.
const oddClock = 60_000

// OpenGap announces that at the time at a meeting has not been looked at since from, both in Unix milliseconds, and why.
// since is what was known at from. One gap is open at a time; a meeting that is not watched has none, nor has one that was
// looked at, or whose gap ended, since: somebody else was faster.
func OpenGap(s *State, since Mark, from, at int64, reason string) Result {
	if s.Phase != Watched || s.GapFrom > 0 || s.seenSince(since, at) {
		return Result{State: s}
	}
	if from == s.lastGap {
		from++ // no two gaps have the same id
	}
	next := *s
	next.GapFrom, next.GapReason = from, reason
	return Result{State: &next, Changed: true, Events: []events.Event{s.gap(from, 0, reason)}}
}

// CloseGap announces that the open gap ended with the look at to, in Unix milliseconds. Without one it gives nothing.
func CloseGap(s *State, to int64) Result {
	if s.GapFrom == 0 {
		return Result{State: s}
	}
	next := *s
	next.GapFrom, next.GapReason = 0, ""
	next.edition++
	next.GapTo, next.lastGap, next.gapEnded = max(to, s.GapFrom), s.GapFrom, next.edition
	return Result{State: &next, Changed: true, Events: []events.Event{s.gap(s.GapFrom, max(to, s.GapFrom), s.GapReason)}}
}

// gap is the event of a gap. Its two publications have ids of their own, from the same beginning.
func (s *State) gap(from, to int64, reason string) events.Event {
	at, part := from, "begin"
	if to > 0 {
		at, part = to, "end"
	}
	return events.Event{
		ID: events.MeetingID(s.ConferenceID, from, events.MeetingGap, part), Type: events.MeetingGap,
		Time: time.UnixMilli(at).UTC(),
		Gap:  &events.Gap{ConferenceID: s.ConferenceID, From: from, To: to, Reason: reason},
	}
}

// End announces that a meeting is over, and how that was noticed, once it has been closed out: s is what [Compare] made of
// a snapshot that says so. at is the time of observation, in Unix milliseconds. An open gap ends with it.
func End(s *State, at int64, reason string) Result {
	if s.Phase != Ended {
		return Result{State: s}
	}
	res := CloseGap(s, at)
	m := s.meeting(reason)
	m.People, m.Peak, m.PersonMinutes = s.totals()
	res.Events = append(res.Events, events.Event{
		// A meeting that is watched again may end again, at the same time: the observation tells the two apart.
		ID: events.MeetingID(s.ConferenceID, at, events.MeetingEnded, ""), Type: events.MeetingEnded,
		Time: time.UnixMilli(cmp.Or(s.EndTime, at)).UTC(), Meeting: m,
	})
	res.Changed, res.own.end = true, true
	return res
}

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
