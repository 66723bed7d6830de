package push

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

func FuzzDecode(f *testing.F) {
	for _, data := range []string{
		created, joined, strings.Replace(joined, "user_join", "user_kicked", 1), strings.Replace(joined, "2iPOw", "", 1),
		strings.Replace(created, "_change", "_change_target_push", 1), `{"EventType":"check_url"}`, "null", "[", `{"EventType":7}`,
	} {
		f.Add([]byte(data), "", "", int64(0))
		f.Add([]byte(data), memberEvent, "id", int64(1663143335567))
		f.Add([]byte(data), statusEvent+targetSuffix, "", int64(-1))
		f.Add([]byte(data), "user_add_org", strings.Repeat("x", 200), int64(1)<<62)
	}
	f.Fuzz(func(t *testing.T, data []byte, eventType, id string, at int64) {
		given := string(data)
		p, err := Decode(data, Envelope{Type: eventType, ID: id, Time: at}, nil)
		require.Equal(t, given, string(data), "the data is left alone")
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			require.Empty(t, p.Notices)
		}
		again, _ := Decode(data, Envelope{Type: eventType, ID: id, Time: at}, nil)
		require.Equal(t, p, again)
		require.LessOrEqual(t, max(len(p.Type), len(p.ID)), maxWord)
		checkTime(t, p.Time)
		if err == nil && p.AboutMeetings() && !p.Exhausted {
			require.NotEmpty(t, p.Notices)
		}
		meetings := map[string]bool{}
		for _, n := range p.Notices {
			require.False(t, meetings[n.ConferenceID], "one notice for each meeting")
			meetings[n.ConferenceID] = true
			checkNotice(t, n)
		}
	})
}

func checkNotice(t *testing.T, n Notice) {
	t.Helper()
	require.NoError(t, events.CheckConferenceID(n.ConferenceID))
	checkTime(t, n.Time)
	checkTime(t, n.Meeting.StartTime)
	require.LessOrEqual(t, len(n.Meeting.Title), wire.MaxTitle)
	require.LessOrEqual(t, len(n.Meeting.CreatorNick), wire.MaxNick)
	want := map[Scene]diff.AttendStatus{MemberJoined: diff.StatusActive, MemberLeft: diff.StatusLeft, MemberKicked: diff.StatusKicked}
	for _, r := range n.Rows {
		require.Equal(t, want[n.Scene], r.Status)
		require.NotEmpty(t, r.UnionID)
		require.Equal(t, wire.UnionID(r.UnionID), r.UnionID)
		require.LessOrEqual(t, len(r.UserNick), wire.MaxNick)
		checkTime(t, r.JoinTime)
		checkTime(t, r.LeaveTime)
		assert.False(t, n.Scene == MemberJoined && r.LeaveTime != 0)
	}
}

func checkTime(t *testing.T, ms int64) {
	t.Helper()
	require.GreaterOrEqual(t, ms, int64(0))
	require.LessOrEqual(t, ms, int64(wire.MaxTime))
}
