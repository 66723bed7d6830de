package ended

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// at is that many minutes after the first thing that happens, in Unix milliseconds.
func at(minutes int64) int64 { return streamtest.Begin + minutes*60_000 }

func row(person string, join, leave int64) diff.Row {
	r := diff.Row{UnionID: person, UserNick: person, Status: diff.StatusActive, JoinTime: at(join)}
	if leave > 0 {
		r.Status, r.LeaveTime = diff.StatusLeft, at(leave)
	}
	return r
}

// The list of past meetings and the report tell the same start, end and length, however often a
// meeting was watched again.
func TestTheListTellsTheTimesOfTheReport(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	x := New(js, Options{})
	told := func(id string, minutes ...int64) {
		t.Helper()
		found, err := x.Search(t.Context(), id, 1)
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.Equal(t, []int64{at(minutes[0]), at(minutes[1]), minutes[2] * 60_000},
			[]int64{found[0].StartTime, found[0].EndTime, found[0].Duration})
		whole, err := report.Of(t.Context(), js, id)
		require.NoError(t, err)
		assert.Equal(t, []int64{whole.StartTime, whole.EndTime, whole.Duration},
			[]int64{found[0].StartTime, found[0].EndTime, found[0].Duration})
	}
	first := row("ann", 1, 10)
	r.Watch("often", at(2), diff.Description{Title: "Often", StartTime: at(0)})
	r.Look("often", at(3), row("ann", 1, 0))
	r.End("often", at(10), first)
	told("often", 0, 10, 10)

	r.Watch("often", at(100), diff.Description{})                          // upstream still tells the first start
	r.Look("often", at(101), first, row("bob", 50, 55), row("cho", 99, 0)) // and nobody had looked at 50
	assert.Empty(t, ids(t, x, "often", 1), "it goes on")
	r.End("often", at(110), first, row("bob", 50, 55), row("cho", 99, 110))
	told("often", 0, 110, 10+5+11)

	r.Watch("often", at(200), diff.Description{StartTime: at(195)})
	r.End("often", at(230), first, row("bob", 50, 55), row("cho", 99, 110), row("dan", 196, 230))
	told("often", 0, 230, 10+5+11+35)

	r.Watch("nameless", at(5), diff.Description{}) // nobody tells when it began
	r.End("nameless", at(9), row("ann", 4, 9))
	told("nameless", 4, 9, 5)
}

func TestAMeetingWithoutAnythingButItsEnd(t *testing.T) {
	t.Parallel()
	a, now := open(t), time.UnixMilli(at(30))
	a.create()
	payload, err := events.Encode(events.Event{
		ID: "x", Source: events.Source("corp", "m"), Type: events.MeetingEnded, Time: now, RecordedTime: now,
		Meeting: &events.Meeting{ConferenceID: "m", StartTime: at(10), EndTime: at(30)},
	})
	require.NoError(t, err)
	a.put(payload) // and not by meeting
	found, err := New(a.js, Options{}).Search(t.Context(), "", 1)
	require.NoError(t, err)
	assert.Equal(t, []int64{at(10), at(30), 20 * 60_000}, []int64{found[0].StartTime, found[0].EndTime, found[0].Duration})
}

// What is over is known of as few meetings as their ends.
func TestWhatIsKnownIsBounded(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.create()
	x := New(a.js, Options{Kept: 8})
	for i := range 100 {
		a.ends(fmt.Sprint("m", i), "", "", time.Now())
		x.keep(fmt.Sprint("m", i), span{})
	}
	ids(t, x, "", 3)
	assert.LessOrEqual(t, len(x.over), 10)
	assert.LessOrEqual(t, len(x.spans), 8)
}
