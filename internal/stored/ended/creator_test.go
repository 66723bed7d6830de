package ended

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// tells stores an event about a meeting itself.
func (a *archive) tells(kind events.Type, m events.Meeting) {
	a.t.Helper()
	now := time.Now()
	payload, err := events.Encode(events.Event{
		ID: "5a4aa9ec-2a3f-5c8f-8d0f-6c7e2a3f4b1d", Source: events.Source("corp", m.ConferenceID), Type: kind,
		Time: now, RecordedTime: now, Meeting: &m,
	})
	require.NoError(a.t, err)
	_, err = a.js.Publish(a.t.Context(), string(kind), payload)
	require.NoError(a.t, err)
}

func TestTheCreatorIsThatOfTheStartUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.create()
	x := New(a.js, Options{})
	a.tells(events.MeetingStarted, events.Meeting{ConferenceID: "m1"})
	a.tells(events.MeetingUpdated, events.Meeting{ConferenceID: "m1", CreatorID: "c1", CreatorNick: "Chris"})
	a.tells(events.MeetingStarted, events.Meeting{ConferenceID: "m2", CreatorID: "c2", CreatorNick: "Dana"})
	a.tells(events.MeetingEnded, events.Meeting{ConferenceID: "m1", EndTime: 1})
	a.tells(events.MeetingEnded, events.Meeting{ConferenceID: "m2", EndTime: 1})
	found, err := x.Search(t.Context(), "chris", 10)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "c1", found[0].CreatorID)
	assert.Equal(t, []string{"m2"}, ids(t, x, "dana", 10))

	a.tells(events.MeetingUpdated, events.Meeting{ConferenceID: "m1", Title: "Weekly", EndTime: 1})
	assert.Empty(t, ids(t, x, "chris", 10))
	assert.Equal(t, []string{"m2", "m1"}, ids(t, x, "m", 10))
	a.tells(events.MeetingUpdated, events.Meeting{ConferenceID: "m3", EndTime: 1})
	assert.Equal(t, []string{"m3"}, ids(t, x, "m3", 10), "its end named the creator, and was erased")
	assert.Empty(t, x.creators)
}
