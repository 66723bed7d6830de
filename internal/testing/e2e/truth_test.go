package e2e_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// fact is an event as the truth and the stream tell it. Guests are people of one visit, known by
// nickname and start.
type fact struct {
	who    string
	event  events.Type
	at     int64
	joined int64
}

func (f fact) String() string {
	return fmt.Sprintf("%s %s %d (since %d)", f.who, f.event, f.at, f.joined)
}

// compare holds the stream to the truth: every event once, in order, none made up. A look that came
// late cannot know what a reset row no longer shows: with lateLooks the attendances of people with
// such rows may be other ones.
func compare(t *testing.T, sim *simulator.Simulator, js jetstream.JetStream, lateLooks bool) {
	t.Helper()
	for _, truth := range sim.Truth().Meetings {
		got := stored(t, js, truth.ConferenceID)
		assert.NotEmpty(t, got)
		compareMeeting(t, truth, got, lateLooks)
	}
}

func compareMeeting(t *testing.T, truth history.MeetingTruth, got []events.Event, lateLooks bool) {
	t.Helper()
	want, fleeting := expected(truth)
	roster := events.NewRoster(truth.ConferenceID)
	active, sequence := 0, uint64(0)
	for _, e := range got {
		if e.Member == nil {
			continue
		}
		sequence++
		assert.Equal(t, sequence, e.Sequence)
		assert.NoError(t, roster.Apply(e))
		if e.Type == events.Joined {
			active++
		} else {
			active--
		}
		assert.Equal(t, active, e.Member.ActiveCount)
		f := fact{who: e.Member.UnionID, event: e.Type, at: e.Time.UnixMilli(), joined: e.Member.JoinTime}
		if f.who == "" {
			f.who = e.Member.UserNick
		}
		if lateLooks && fleeting[f.who] {
			continue
		}
		assert.True(t, want[f], "made up, or twice: %v, %s", f, e.Member.Reason)
		delete(want, f)
	}
	for f := range want {
		assert.True(t, lateLooks && fleeting[f.who], "lost: %v", f)
	}
	assert.Zero(t, active, "nobody stays in a meeting that is over")
}

// expected returns what has to be in the stream, and the people of whom the list does not show
// everything for ever.
func expected(truth history.MeetingTruth) (want map[fact]bool, fleeting map[string]bool) {
	want, fleeting = map[fact]bool{}, map[string]bool{}
	for _, e := range truth.Events {
		f := fact{who: e.UnionID, event: events.Type("conference.member." + e.Event), at: e.At, joined: e.Joined}
		if f.who == "" {
			f.who = e.Nick
		}
		want[f] = true
		if e.ListedUntil > 0 {
			fleeting[f.who] = true
		}
	}
	return want, fleeting
}
