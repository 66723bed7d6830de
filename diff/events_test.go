package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func compare(s *diff.State, l look) []events.Event { return diff.Compare(s, l.snapshot()).Events }

func TestAnEventSaysEverything(t *testing.T) {
	s := script(t, look{at: 5, rows: []string{"ann 2"}}).Describe(diff.Description{Title: "Weekly"})
	snap := look{from: 19, at: 20, rows: []string{"ann 5 10-15"}}.snapshot()
	row := &snap.Rows[0]
	row.UserNick, row.Host, row.CoHost, row.OuterOrgMember, row.PSTNJoin = "Ann", true, true, true, true
	got := diff.Compare(s, snap).Events
	require.Len(t, got, 2)
	member := events.Member{
		ConferenceID: "m1", Title: "Weekly", UnionID: "ann", UserNick: "Ann", Host: true, CoHost: true, OuterOrgMember: true, PSTNJoin: true,
		EverHost: true, EverCoHost: true,
		AttendStatus: 3, PreviousAttendStatus: 2, JoinTime: ms(10), Reason: events.ReasonJoined,
		ObservedAfter: ms(5), ObservedBefore: ms(20), Via: events.ViaPoll, ActiveCount: 1, Visit: 1,
	}
	assert.Equal(t, member, *got[0].Member)
	member.AttendStatus, member.PreviousAttendStatus = 5, 3
	member.LeaveTime, member.Duration, member.Reason, member.ActiveCount = ms(15), 5000, events.ReasonKicked, 0
	assert.Equal(t, member, *got[1].Member)
	assert.Equal(t, events.Kicked, got[1].Type)
	assert.Equal(t, ms(15), got[1].Time.UnixMilli())
	assert.Equal(t, "ann", got[1].Subject)
	assert.Equal(t, uint64(2), got[1].Sequence)
	assert.Equal(t, events.MemberID("m1", "ann", ms(10), events.Kicked), got[1].ID)
}

func TestAttendStatusIsWhatTheListSays(t *testing.T) {
	status := func(looks ...look) int {
		s := diff.New("m1")
		var last events.Event
		for _, l := range looks {
			res := diff.Compare(s, l.snapshot())
			s = res.State
			if n := len(res.Events); n > 0 {
				last = res.Events[n-1]
			}
		}
		require.NotEqual(t, events.Joined, last.Type)
		return last.Member.AttendStatus
	}
	present := look{at: 20, rows: []string{"ann 3 10-"}}
	assert.Equal(t, 4, status(present, look{at: 30, rows: []string{"ann 2", "ann 4"}}), "disconnected")
	assert.Equal(t, 0, status(present, look{at: 30}, look{at: 40}), "vanished")
	assert.Equal(t, 6, status(look{at: 20, rows: []string{"ann 6 1-2", "ann 3 10-"}}, look{at: 30, rows: []string{"ann 6 1-2"}},
		look{at: 40, rows: []string{"ann 6 1-2"}}), "vanished, but for older rows")
	assert.Equal(t, 3, status(present, look{at: 30, rows: []string{"ann 3 10-"}, over: true}), "meeting over, still listed")
	assert.Equal(t, 0, status(present, look{at: 30, over: true}), "meeting over, not listed")
	assert.Equal(t, 3, status(present, look{at: 30, kind: diff.Partial, over: true}), "meeting over, no list")
	assert.Equal(t, 6, status(present, look{at: 30, rows: []string{"ann 6 10-25"}}), "left")
}

func TestEventsAreInOrderOfTime(t *testing.T) {
	script(t,
		look{at: 12, rows: []string{"dan 3 5-", "ann 3 5-"}, want: []string{"joined ann 5", "joined dan 5"}},
		look{at: 40, rows: []string{"cat 3 20-", "ann 6 5-20", "dan 5 5-15", "bob 6 20-20", "eve 6 15-20"}, want: []string{
			"kicked dan 15", "joined eve 15",
			"left ann 20", "left eve 20", // ends before starts
			"joined bob 20", "joined cat 20",
			"left bob 20", // of no length: after its start
		}},
	)
}

func TestCountsAndVisits(t *testing.T) {
	got := compare(diff.New("m1"), look{at: 50, rows: []string{"ann 6 10-20", "bob 3 15-", "ann 3 30-"}})
	var counts, visits []int
	for _, e := range got {
		counts, visits = append(counts, e.Member.ActiveCount), append(visits, e.Member.Visit)
	}
	require.Equal(t, []int{1, 2, 1, 2}, counts)
	require.Equal(t, []int{1, 1, 1, 2}, visits)
}

func TestTheAnnouncedStartNamesTheAttendance(t *testing.T) {
	s := script(t, look{at: 12, kind: diff.Partial, rows: []string{"ann 3 10.6-"}, want: []string{"joined ann 10.6"}})
	got := compare(s, look{at: 30, rows: []string{"ann 6 10-25"}})
	require.Len(t, got, 1)
	require.Equal(t, events.MemberID("m1", "ann", ms(10.6), events.Left), got[0].ID)
	require.Equal(t, ms(10.6), got[0].Member.JoinTime)
	require.Equal(t, int64(14_400), got[0].Member.Duration)
}

func TestGuestsOfOneNameAreTwoPeople(t *testing.T) {
	s := script(t,
		look{at: 25, rows: []string{"?Guest 3 10-", "?Guest 3 20-"}, want: []string{"joined Guest 10", "joined Guest 20"}},
		look{at: 35, rows: []string{"?Guest 3 20-", "?Guest 6 10-30"}, want: []string{"left Guest 30"}},
	)
	require.Equal(t, 1, s.Active)
	for p := range s.People() {
		require.Empty(t, p.UnionID)
		require.Equal(t, fmt.Sprintf("guest:%d:Guest", p.JoinTime), p.Key)
	}
	got := compare(s, look{at: 45, rows: []string{"?Guest 6 20-40", "?Guest 6 10-30"}})
	require.Len(t, got, 1)
	require.Empty(t, got[0].Member.UnionID)
	require.Equal(t, fmt.Sprintf("guest:%d:Guest", ms(20)), got[0].Subject)
}

func TestNamesRolesAndDurationsMakeNoEvent(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	snap := look{at: 30, rows: []string{"ann 3 10-"}}.snapshot()
	snap.Rows[0].UserNick, snap.Rows[0].CoHost = "Dr Ann", true
	res := diff.Compare(s, snap)
	require.Empty(t, res.Events)
	require.True(t, res.Changed)
	got := compare(res.State, look{at: 40, kind: diff.Partial, rows: []string{"ann 6 10-35"}})
	require.Len(t, got, 1)
	require.Equal(t, "Dr Ann", got[0].Member.UserNick)
	require.True(t, got[0].Member.CoHost)
	require.False(t, diff.Compare(res.State, snap).Changed)
}

func TestTheOpenRowNamesThePerson(t *testing.T) {
	snap := look{at: 40, rows: []string{"ann 6 20-30", "ann 3 10-", "bob 6 10-20", "bob 6 22-30"}}.snapshot()
	for i, nick := range []string{"Phone", "Desk", "Old", "New"} {
		snap.Rows[i].UserNick = nick
	}
	for range 2 {
		names := map[string]string{}
		for p := range diff.Compare(diff.New("m1"), snap).State.People() {
			names[p.Key] = p.UserNick
		}
		require.Equal(t, map[string]string{"ann": "Desk", "bob": "New"}, names)
		slices.Reverse(snap.Rows)
	}
}

func TestNicknamesThatChangeOftenCostNothing(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	for i := range 10_000 {
		snap := look{at: 30, rows: []string{"ann 3 10-"}}.snapshot()
		snap.Rows[0].UserNick = strings.Repeat("x", i%100)
		s = diff.Compare(s, snap).State
	}
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	require.Less(t, len(b), 250)
}

func TestHostileNames(t *testing.T) {
	for name, tc := range map[string]struct{ id, nick string }{
		"long":              {strings.Repeat("i", 70_000), strings.Repeat("n", 70_000)},
		"long, three bytes": {strings.Repeat("钉", 30_000), strings.Repeat("钉", 30_000)},
		"long guest":        {"", strings.Repeat("钉", 30_000)},
		"invalid UTF-8":     {"a\xff\xfe", "\xc3\x28"},
		"no text at all":    {strings.Repeat("\x80", 70_000), strings.Repeat("\x80", 70_000)},
		"NUL and newline":   {"a\x00b\n", "\x00\r\n\"\\"},
		"looks like guest":  {"guest:0:Ann", "Ann"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := []diff.Row{{UnionID: tc.id, UserNick: tc.nick, JoinTime: ms(10), Status: diff.StatusActive}}
			snap := diff.Snapshot{Rows: rows, From: ms(20), At: ms(20)}
			res := diff.Compare(diff.New("m1"), snap)
			require.Len(t, res.Events, 1)
			e := res.Events[0]
			require.NotEmpty(t, e.Subject)
			require.LessOrEqual(t, len(e.Subject), 1024)
			require.LessOrEqual(t, len(e.Member.UserNick), 512)
			require.Equal(t, utf8.ValidString(tc.nick), utf8.ValidString(e.Member.UserNick), "no character is cut in two")
			require.Empty(t, diff.Compare(res.State, snap).Events)
			require.False(t, diff.Compare(res.State, snap).Changed)

			e.Source, e.RecordedTime = events.Source("", "m1"), e.Time
			_, err := events.Encode(e)
			require.NoError(t, err)
			b, err := res.State.MarshalBinary()
			require.NoError(t, err)
			again, err := diff.UnmarshalState(b)
			require.NoError(t, err)
			require.Empty(t, diff.Compare(again, snap).Events)
		})
	}
}

func TestCompareChangesNeitherArgument(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-", "bob 3 10-"}, want: []string{"joined ann 10", "joined bob 10"}})
	before, err := s.MarshalBinary()
	require.NoError(t, err)
	snap := look{at: 40, rows: []string{"bob 6 10-30", "cat 3 35-", "ann 2"}}.snapshot()
	rows := slices.Clone(snap.Rows)
	first := diff.Compare(s, snap)
	require.NotEmpty(t, first.Events)
	require.Equal(t, rows, snap.Rows)
	after, err := s.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Equal(t, first.Events, diff.Compare(s, snap).Events)
}
