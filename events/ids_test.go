package events_test

import (
	"strings"
	"testing"

	"github.com/c4342123/rollcall/events"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestIDsArePartOfTheContract pins ids: a change gives every past event a second id,
// and consumers that remember ids process it again.
func TestIDsArePartOfTheContract(t *testing.T) {
	for want, got := range map[string]string{
		"80537f1f-7743-53f1-881d-949836badca8": events.MemberID("6321a", "2iPOw", 1_700_000_000_123, events.Joined),
		"a06f0ddf-ec3a-57c3-a0ee-5cea82260ffb": events.MemberID("6321a", "2iPOw", 1_700_000_000_123, events.Left),
		"43f5287e-c444-572f-b83e-7c93780bd081": events.MemberID("6321a", "2iPOw", 1_700_000_000_123, events.Kicked),
		"ac9dc7cd-b951-59f2-aae1-6c24c2088a9f": events.MemberID("6321a", "guest:1700000000123:Guest", 1_700_000_000_123, events.Joined),
		"e022ebb1-7079-5d27-86ec-c22b5de91021": events.MeetingID("6321a", 1_700_000_000_000, events.MeetingStarted, ""),
		"7b127c21-61d9-572c-ac67-80937c4175fe": events.MeetingID("6321a", 1_700_000_090_123, events.MeetingEnded, ""),
		"a9019e72-862f-5819-a04f-f8b464ae6dc0": events.MeetingID("6321a", 1_700_000_000_123, events.MeetingGap, "end"),
	} {
		require.Equal(t, want, got)
	}
}

// TestIDsAreVersion5 compares with another implementation of RFC 9562.
func TestIDsAreVersion5(t *testing.T) {
	namespace := uuid.MustParse("6f0b6a3e-6d0c-5d6e-9f3a-2b1c7d9e4a55")
	rapid.Check(t, func(t *rapid.T) {
		conference, person := rapid.StringMatching(`[A-Za-z0-9_-]{1,128}`).Draw(t, "conference"), rapid.String().Draw(t, "person")
		got := events.MemberID(conference, person, 42, events.Left)
		want := uuid.NewSHA1(namespace, []byte(conference+"\x0042\x00conference.member.left\x00"+person))
		require.Equal(t, want.String(), got)
	})
	long := events.MemberID(strings.Repeat("c", 128), strings.Repeat("p", 1024), 1, events.Left)
	require.Equal(t, uuid.Version(5), uuid.MustParse(long).Version())
}

func TestDifferentFactsHaveDifferentIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, conference := range []string{"m", "m1", "m12"} {
		for _, person := range []string{"", "1", "12", "u1", "conference.member.left"} {
			for _, start := range []int64{0, 1, 2, 12, 21} {
				for _, verb := range []events.Type{events.Joined, events.Left, events.Kicked, events.MeetingGap} {
					id := events.MemberID(conference, person, start, verb)
					require.False(t, seen[id], "%s %s %d %s", conference, person, start, verb)
					seen[id] = true
				}
			}
		}
	}
}
