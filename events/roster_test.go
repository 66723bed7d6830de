package events_test

import (
	"slices"
	"testing"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// story writes the events of one meeting.
type story struct{ events []events.Event }

func (s *story) add(person string, t events.Type, join, leave int64, reason events.Reason) {
	visit := 1
	for _, e := range s.events {
		if e.Subject == person && e.Type == events.Joined {
			visit++
		}
	}
	if t != events.Joined {
		visit--
	}
	when := join
	if t != events.Joined {
		when = leave
	}
	s.events = append(s.events, events.Event{
		ID: events.MemberID("m1", person, join, t), Source: events.Source("", "m1"), Type: t, Subject: person,
		Time: time.UnixMilli(when).UTC(), RecordedTime: time.UnixMilli(when).UTC(), Sequence: uint64(len(s.events) + 1),
		Member: &events.Member{
			ConferenceID: "m1", UnionID: person, UserNick: person, JoinTime: join, LeaveTime: leave, Reason: reason,
			Visit: visit, Via: events.ViaPoll, Inferred: reason == events.ReasonVanished,
		},
	})
}

func (s *story) joined(person string, at int64) {
	s.add(person, events.Joined, at, 0, events.ReasonJoined)
}

func (s *story) left(person string, join, at int64) {
	s.add(person, events.Left, join, at, events.ReasonLeft)
}

func visits() []events.Event {
	var s story
	s.joined("ann", 100)                                       // 1
	s.joined("bob", 110)                                       // 2
	s.left("ann", 100, 120)                                    // 3
	s.joined("ann", 130)                                       // 4
	s.add("bob", events.Kicked, 110, 140, events.ReasonKicked) // 5
	s.joined("cat", 150)                                       // 6
	s.add("cat", events.Left, 150, 160, events.ReasonVanished) // 7
	return s.events
}

func TestRosterFoldsEvents(t *testing.T) {
	r := events.NewRoster("m1")
	for _, e := range visits() {
		require.NoError(t, r.Apply(e))
	}
	require.True(t, r.Complete())
	require.Equal(t, uint64(7), r.Last())
	require.Nil(t, r.Ended())
	ann := events.Attendance{Person: "ann", UnionID: "ann", UserNick: "ann", Visit: 2, Join: 130}
	require.Equal(t, []events.Attendance{ann}, r.Present())
	require.Equal(t, []events.Attendance{
		{Person: "ann", UnionID: "ann", UserNick: "ann", Visit: 1, Join: 100, Leave: 120, End: events.Left, Reason: events.ReasonLeft},
		{Person: "bob", UnionID: "bob", UserNick: "bob", Visit: 1, Join: 110, Leave: 140, End: events.Kicked, Reason: events.ReasonKicked},
		ann,
		{Person: "cat", UnionID: "cat", UserNick: "cat", Visit: 1, Join: 150, Leave: 160, End: events.Left, Reason: events.ReasonVanished, LeaveInferred: true},
	}, r.Attendances())
}

func TestRosterOfNothing(t *testing.T) {
	r := events.NewRoster("m1")
	require.True(t, r.Complete())
	require.Zero(t, r.Last())
	require.Empty(t, r.Present())
	require.Empty(t, r.Attendances())
}

func TestRosterTakesRedeliveries(t *testing.T) {
	list := visits()
	r := events.NewRoster("m1")
	for i, e := range list {
		require.NoError(t, r.Apply(e))
		for _, again := range list[:i+1] {
			require.NoError(t, r.Apply(again), "a redelivered left must not end a newer attendance")
		}
	}
	once := events.NewRoster("m1")
	for _, e := range list {
		require.NoError(t, once.Apply(e))
	}
	require.Equal(t, once.Attendances(), r.Attendances())
	require.Equal(t, once.Present(), r.Present())
}

func TestRosterNoticesMissingEvents(t *testing.T) {
	list := visits()
	r := events.NewRoster("m1")
	require.NoError(t, r.Apply(list[0]))
	err := r.Apply(list[2])
	require.ErrorIs(t, err, events.ErrMissingEvents)
	require.ErrorContains(t, err, "3 follows 1")
	require.Equal(t, uint64(1), r.Last(), "as it was")
	require.NoError(t, r.Apply(list[1]), "and goes on once the missing one is there")
	require.NoError(t, r.Apply(list[2]))
}

// TestRosterOfALateListener starts at every event of the meeting.
func TestRosterOfALateListener(t *testing.T) {
	list := visits()
	whole := events.NewRoster("m1")
	for _, e := range list {
		require.NoError(t, whole.Apply(e))
	}
	for from := range list {
		r := events.NewRoster("m1")
		for _, e := range list[from:] {
			require.NoError(t, r.Apply(e), "from %d", from+1)
		}
		require.Equal(t, from == 0, r.Complete())
		for _, a := range r.Attendances() {
			require.True(t, slices.Contains(whole.Attendances(), a), "from %d: %+v", from+1, a)
		}
	}
}

func TestRosterRefusesWhatDoesNotAlternate(t *testing.T) {
	joined, left, again := member(nil), member(end(events.Left, events.ReasonLeft, 6)), member(nil)
	again.Sequence = 2
	t.Run("joined twice", func(t *testing.T) {
		r := events.NewRoster("6321a")
		require.NoError(t, r.Apply(joined))
		require.ErrorIs(t, r.Apply(again), events.ErrNotAlternating)
		require.Len(t, r.Attendances(), 1)
		require.Equal(t, uint64(1), r.Last())
	})
	t.Run("left first of all", func(t *testing.T) {
		first := left
		first.Sequence = 1
		r := events.NewRoster("6321a")
		require.ErrorIs(t, r.Apply(first), events.ErrNotAlternating)
		require.Empty(t, r.Attendances())
	})
	t.Run("left twice", func(t *testing.T) {
		for _, start := range []uint64{1, 7} {
			r := events.NewRoster("6321a")
			for i, e := range []events.Event{joined, left} {
				e.Sequence = start + uint64(i)
				require.NoError(t, r.Apply(e))
			}
			twice := left
			twice.Sequence = start + 2
			require.ErrorIs(t, r.Apply(twice), events.ErrNotAlternating)
			require.Len(t, r.Attendances(), 1)
		}
	})
}

func TestRosterOfAnotherMeeting(t *testing.T) {
	require.ErrorIs(t, events.NewRoster("m1").Apply(member(nil)), events.ErrOtherMeeting)
	require.ErrorIs(t, events.NewRoster("m1").Apply(events.Event{}), events.ErrOtherMeeting)
}

func TestRosterKnowsTheEnd(t *testing.T) {
	k := kinds()
	r := events.NewRoster("6321a")
	require.NoError(t, r.Apply(k["meeting_started"]))
	require.NoError(t, r.Apply(k["joined"]))
	require.NoError(t, r.Apply(k["meeting_gap_begun"]))
	require.NoError(t, r.Apply(k["left_meeting_ended"]))
	require.Nil(t, r.Ended())
	require.NoError(t, r.Apply(k["meeting_ended"]))
	require.Equal(t, 1, r.Ended().People)
	require.NoError(t, r.Apply(k["meeting_started"]), "watched again")
	require.Nil(t, r.Ended())
	assert.Empty(t, r.Present())
}

func TestRosterKnowsTheMeeting(t *testing.T) {
	r := events.NewRoster("6321a")
	apply := func(kind events.Type, m events.Meeting) {
		t.Helper()
		m.ConferenceID = "6321a"
		require.NoError(t, r.Apply(events.Event{Type: kind, Meeting: &m}))
	}
	require.Equal(t, events.Meeting{ConferenceID: "6321a"}, r.Meeting())
	apply(events.MeetingStarted, events.Meeting{StartTime: 7})
	apply(events.MeetingUpdated, events.Meeting{Title: "Weekly", CreatorID: "c1", CreatorNick: "Chris", StartTime: 5})
	want := events.Meeting{ConferenceID: "6321a", Title: "Weekly", CreatorID: "c1", CreatorNick: "Chris", StartTime: 5}
	require.Equal(t, want, r.Meeting())
	require.NoError(t, r.Apply(member(func(e *events.Event) { e.Member.Title = "Renamed" })))
	apply(events.MeetingEnded, events.Meeting{EndTime: 9, People: 1})
	want.Title, want.EndTime = "Renamed", 9
	require.Equal(t, want, r.Meeting(), "what an event does not tell stays")
	require.Equal(t, 1, r.Ended().People)
	apply(events.MeetingUpdated, events.Meeting{Title: "Renamed"})
	require.NotNil(t, r.Ended(), "that begins nothing")
	apply(events.MeetingStarted, events.Meeting{})
	want.EndTime = 0
	require.Equal(t, want, r.Meeting())
	require.Nil(t, r.Ended())
}

func TestRosterOfALateListenerKnowsTheTitle(t *testing.T) {
	r := events.NewRoster("6321a")
	require.NoError(t, r.Apply(member(func(e *events.Event) { e.Member.Title, e.Sequence = "Weekly", 9 })))
	require.Equal(t, "Weekly", r.Meeting().Title)
}
