package events_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

func TestParseTypes(t *testing.T) {
	for name, want := range map[string][]events.Type{
		"conference.member.joined": {events.Joined},
		"joined":                   {events.Joined},
		"gap, kicked":              {events.MeetingGap, events.Kicked},
		"left,conference.member.*": {events.Left, events.Joined, events.Kicked},
		"conference.meeting.*,gap": {events.MeetingStarted, events.MeetingUpdated, events.MeetingEnded, events.MeetingGap},
	} {
		got, err := events.ParseTypes(name)
		require.NoError(t, err)
		assert.Subset(t, got, want, name)
		assert.Equal(t, want[0], got[0], name)
	}
	got, err := events.ParseTypes("joined", "left,joined")
	require.NoError(t, err)
	assert.Equal(t, []events.Type{events.Joined, events.Left}, got, "each once")
	got, err = events.ParseTypes()
	require.NoError(t, err)
	assert.Empty(t, got)
	all, err := events.ParseTypes("conference.member.*,conference.meeting.*,conference.source.*,conference.person.*,conference.audit.*,conference.access.*")
	require.NoError(t, err)
	assert.Equal(t, events.Types(), all)
	for _, name := range []string{"", "waved", "JOINED", "joined,", "conference.*", "conference.member", "*", "member.joined", "member.*"} {
		_, err := events.ParseTypes("left", name)
		assert.ErrorContains(t, err, "is none of joined, left, kicked, started, ", name)
	}
}
