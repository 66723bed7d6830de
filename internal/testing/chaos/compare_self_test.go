package chaos_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// small is a meeting of two people, and what is to be stored of it.
func small() (history.MeetingTruth, []events.Event) {
	truth := history.MeetingTruth{ConferenceID: "m", Events: []history.ExpectedEvent{
		{At: 1000, Event: "joined", UnionID: "ann", Nick: "Ann"},
		{At: 1500, Event: "joined", UnionID: "bob", Nick: "Bob"},
		{At: 2000, Event: "left", UnionID: "ann", Nick: "Ann"},
		{At: 3000, Event: "kicked", UnionID: "bob", Nick: "Bob"},
	}}
	var list []events.Event
	for i, active := range []int{1, 2, 1, 0} {
		e := truth.Events[i]
		what := events.Type("conference.member." + e.Event)
		list = append(list, events.Event{
			ID: events.MemberID("m", e.UnionID, e.At, what), Source: events.Source("", "m"), Type: what, Subject: e.UnionID,
			Time: time.UnixMilli(e.At), Sequence: uint64(i + 1),
			Member: &events.Member{ConferenceID: "m", UnionID: e.UnionID, UserNick: e.Nick, ActiveCount: active},
		})
	}
	return truth, list
}

// TestTheComparisonNotices shows that what the chaos program goes by finds everything that can be
// wrong.
func TestTheComparisonNotices(t *testing.T) {
	t.Parallel()
	without := func(i int) func([]events.Event) []events.Event {
		return func(list []events.Event) []events.Event { return slices.Delete(list, i, i+1) }
	}
	twice := func(list []events.Event) []events.Event { return slices.Insert(list, 2, list[1]) }
	same := func(list []events.Event) []events.Event { return list }
	for name, test := range map[string]struct {
		byType, byMeeting func([]events.Event) []events.Event // what is done to what is stored
		want              findings
	}{
		"nothing":                      {byType: same, byMeeting: same},
		"an event lost":                {byType: without(1), byMeeting: without(1), want: findings{lost: 1, gaps: 1, alternation: 1, counts: 1}},
		"the last event lost":          {byType: without(3), byMeeting: without(3), want: findings{lost: 1, alternation: 1}},
		"an event doubled":             {byType: twice, byMeeting: twice, want: findings{doubled: 1, gaps: 1, alternation: 1}},
		"an event lost in one view":    {byType: same, byMeeting: without(1), want: findings{views: 1}},
		"an event doubled in one view": {byType: same, byMeeting: twice, want: findings{views: 1}},
		"two events swapped": {
			byType: swapped(1, 2), byMeeting: swapped(1, 2), want: findings{gaps: 3, counts: 2},
		},
		"two events of a person swapped": {
			byType: swapped(0, 2), byMeeting: swapped(0, 2), want: findings{gaps: 4, alternation: 2, counts: 4},
		},
		"two events swapped in one view": {byType: same, byMeeting: swapped(1, 2), want: findings{views: 1}},
		"another time": {
			byType: changed(func(e *events.Event) { e.Time = e.Time.Add(time.Millisecond) }), byMeeting: same,
			want: findings{lost: 1, invented: 1},
		},
		"another head-count": {
			byType: changed(func(e *events.Event) { e.Member.ActiveCount++ }), byMeeting: same, want: findings{counts: 1},
		},
		"another meeting": {
			byType: changed(func(e *events.Event) { e.Member.ConferenceID = "n" }), byMeeting: same,
			want: findings{lost: 1, invented: 1, gaps: 1, alternation: 1, counts: 1, views: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			truth, list := small()
			_, again := small()
			got := compare([]history.MeetingTruth{truth}, test.byType(list), test.byMeeting(again))
			assert.Equal(t, test.want == findings{}, got.faultless())
			got.notes = nil
			assert.Equal(t, test.want, *got)
		})
	}
}

func swapped(i, j int) func([]events.Event) []events.Event {
	return func(list []events.Event) []events.Event {
		list[i], list[j] = list[j], list[i]
		return list
	}
}

// changed changes the second event.
func changed(change func(*events.Event)) func([]events.Event) []events.Event {
	return func(list []events.Event) []events.Event {
		change(&list[1])
		return list
	}
}

func TestPeak(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	var calls []call
	for _, ms := range []int{0, 1000, 4999, 5000, 5001, 6000, 20000} {
		calls = append(calls, call{at: start.Add(time.Duration(ms) * time.Millisecond)})
	}
	assert.Equal(t, 4, peak(calls, 5*time.Second))
	assert.Zero(t, peak(nil, 5*time.Second))
}

// TestSparedTime leaves out what nobody could help.
func TestSparedTime(t *testing.T) {
	at := func(from, to int) span {
		return span{time.Unix(int64(from), 0), time.Unix(int64(to), 0)}
	}
	var y tally
	assert.Equal(t, 30*time.Second, y.spared(at(0, 30), 1))
	y.down = []span{at(5, 15), at(26, 40)}
	y.outages = []span{at(8, 12), at(14, 17)}
	assert.Equal(t, 9*time.Second, y.spared(at(0, 30), 1), "from 17 to 26")
	y.hurts = []hurt{{span: at(18, 19), victim: 0}}
	assert.Equal(t, 5*time.Second, y.spared(at(0, 30), 1), "the replica suffers in the other part")
	assert.Equal(t, 9*time.Second, y.spared(at(0, 30), 2), "there is another one")
	assert.Zero(t, y.spared(at(6, 16), 2))
}
