package diff

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/c4342123/rollcall/events"
)

// Describe says what a meeting is about, as [State.Describe] does.
type Describe struct {
	Description
	At int64 // the time of observation, in Unix milliseconds
}

// Apply implements [Intent].
func (i Describe) Apply(s *State) Result { return update(s, s.Describe(i.Description), i.At) }

func (i Describe) String() string { return fmt.Sprintf("describe at %d", i.At) }

// FillIn says what a meeting is about where that is not known, as [State.Complete] does. With that
// known the start of the meeting is announced, if it is yet to be.
type FillIn struct {
	Description
	At     int64 // the time of observation, in Unix milliseconds
	AtOnce bool  // see [Watch]
}

// Apply implements [Intent].
func (i FillIn) Apply(s *State) Result {
	res := update(s, s.Complete(i.Description), i.At)
	if res.Changed && (i.AtOnce || res.State.StartTime > 0) {
		res = res.Then(Start{At: i.At}.Apply(res.State))
	}
	return res
}

func (i FillIn) String() string { return fmt.Sprintf("fill in at %d", i.At) }

// update announces what of a meeting's description has become known or has changed: described is s
// with what was learnt. at is the time of observation, in Unix milliseconds.
//
// There is an event only between a meeting's start and its end. What is learnt before the start is
// announced with it. A description that is the same gives nothing.
func update(s, described *State, at int64) Result {
	before, after := s.Description(), described.Description()
	if before == after {
		return Result{State: s}
	}
	res := Result{State: described, Changed: true}
	before.TitleGiven = after.TitleGiven // no event says who gave it
	if before == after || s.Phase != Watched || s.StartedAt == 0 {
		return res
	}
	at = max(at, s.StartedAt)
	m := described.meeting(events.UpdateKnown)
	if before.contradicts(after) {
		m.Reason = events.UpdateChanged
	}
	res.Events = []events.Event{{
		ID: events.MeetingID(s.ConferenceID, at, events.MeetingUpdated, after.text()), Type: events.MeetingUpdated,
		Time: time.UnixMilli(at).UTC(), Meeting: m,
	}}
	return res
}

// contradicts tells whether something that d knows is different in another description.
func (d Description) contradicts(other Description) bool {
	return d.Title != "" && d.Title != other.Title || d.CreatorID != "" && d.CreatorID != other.CreatorID ||
		d.CreatorNick != "" && d.CreatorNick != other.CreatorNick || d.StartTime != 0 && d.StartTime != other.StartTime
}

// text is what an event's id holds of the description: two that are announced in the same
// millisecond are two facts.
func (d Description) text() string {
	return strings.Join([]string{d.Title, d.CreatorID, d.CreatorNick, strconv.FormatInt(d.StartTime, 10)}, "\x00")
}
