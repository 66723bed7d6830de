package events_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSubjects(t *testing.T) {
	assert.Equal(t, "CONFERENCE", events.Stream)
	assert.Equal(t, "conference.member.*", events.AllMembers)
	assert.Equal(t, "conference.meeting.*", events.AllMeetings)
	assert.Equal(t, "conference.id.6321a.>", events.OfMeeting("6321a"))
	assert.Equal(t, "conference.id.6321a.member.*", events.MembersOfMeeting("6321a"))
	for want, typ := range map[string]events.Type{
		"conference.id.6321a.member.joined":   events.Joined,
		"conference.id.6321a.member.left":     events.Left,
		"conference.id.6321a.member.kicked":   events.Kicked,
		"conference.id.6321a.meeting.started": events.MeetingStarted,
		"conference.id.6321a.meeting.ended":   events.MeetingEnded,
		"conference.id.6321a.meeting.gap":     events.MeetingGap,
	} {
		assert.Equal(t, want, events.ByMeeting("6321a", typ))
		assert.Equal(t, typ, events.TypeOf(want))
		assert.Equal(t, typ, events.TypeOf(string(typ)))
		assert.Len(t, strings.Split(string(typ), "."), 3, "conference.member.* matches three tokens")
		assert.Equal(t, strings.Contains(want, ".member."), typ.OfMember())
	}
}

func TestSource(t *testing.T) {
	assert.Equal(t, "/dingtalk/ding9f50/conferences/6321a", events.Source("ding9f50", "6321a"))
	assert.Equal(t, "/dingtalk/default/conferences/6321a", events.Source("", "6321a"))
}

func TestCheckConferenceID(t *testing.T) {
	for _, id := range []string{"a", "6321a", "AZaz09_-", "-", strings.Repeat("x", 128)} {
		assert.NoError(t, events.CheckConferenceID(id), id)
	}
	for name, id := range map[string]string{
		"empty": "", "129 long": strings.Repeat("x", 129), "dot": "a.b", "star": "*", "greater": ">", "space": "a b",
		"slash": "a/b", "NUL": "a\x00", "newline": "a\n", "beyond ASCII": "é", "percent": "%2e", "invalid UTF-8": "\xff",
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, events.CheckConferenceID(id), events.ErrConferenceID)
		})
	}
}

// TestShardsArePartOfWhatIsStored pins the shard of some meetings: their states are stored by it.
func TestShardsArePartOfWhatIsStored(t *testing.T) {
	seen := map[int]bool{}
	for i := range 2000 {
		shard := events.Shard(fmt.Sprintf("%x", i*2654435761))
		require.GreaterOrEqual(t, shard, 0)
		require.Less(t, shard, 64)
		seen[shard] = true
	}
	require.Len(t, seen, 64)
	require.Equal(t, 26, events.Shard("6321a"))
}
