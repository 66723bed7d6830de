package diff_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAStateComesBackWhole compares what is decoded by what it does: every further snapshot gives
// the same.
func TestAStateComesBackWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlayer(t)
		p.state.Title = rapid.String().Draw(t, "title")
		p.state.TitleGiven = rapid.Bool().Draw(t, "given")
		p.state.CreatorID, p.state.CreatorNick = rapid.String().Draw(t, "id"), rapid.String().Draw(t, "nick")
		p.state.StartTime = rapid.Int64().Draw(t, "start")
		p.state.GapFrom, p.state.GapTo = rapid.Int64().Draw(t, "gap from"), rapid.Int64().Draw(t, "gap to")
		if rapid.Bool().Draw(t, "chained") {
			p.state = p.state.Chained(events.Chain{}.Add(rapid.SliceOf(rapid.Byte()).Draw(t, "payload")))
		}
		p.state.GapReason, p.state.StartedAt = rapid.String().Draw(t, "reason"), rapid.Int64().Draw(t, "started")
		at := epoch
		for range rapid.IntRange(1, 6).Draw(t, "looks") {
			at += 3000
			p.take(wild(t, at))
			p.state = p.state.WithPhase(diff.Phase(rapid.IntRange(1, 3).Draw(t, "phase")))
			again := roundTrip(t, p.state)

			require.Equal(t, slices.Collect(p.state.People()), slices.Collect(again.People()))
			require.Equal(t, fieldsOf(p.state), fieldsOf(again))
			next := wild(t, at+1000)
			want, got := diff.Compare(p.state, next), diff.Compare(again, next)
			require.Equal(t, want.Events, got.Events)
			require.Equal(t, want.Changed, got.Changed)
			require.Equal(t, want.LookNow, got.LookNow)
			require.Equal(t, slices.Collect(want.State.People()), slices.Collect(got.State.People()))
		}
	})
}

func roundTrip(t require.TestingT, s *diff.State) *diff.State {
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	again, err := diff.UnmarshalState(b)
	require.NoError(t, err)
	return again
}

// fieldsOf is what is exported of a state.
func fieldsOf(s *diff.State) diff.State {
	return diff.State{
		ConferenceID: s.ConferenceID, Phase: s.Phase, Title: s.Title, TitleGiven: s.TitleGiven,
		CreatorID: s.CreatorID, CreatorNick: s.CreatorNick,
		StartTime: s.StartTime, EndTime: s.EndTime, Sequence: s.Sequence, Active: s.Active, LookedAt: s.LookedAt,
		StartedAt: s.StartedAt, GapFrom: s.GapFrom, GapReason: s.GapReason, GapTo: s.GapTo, Chain: s.Chain,
	}
}

// busy is a state with something of everything in it.
func busy(t testing.TB) *diff.State {
	t.Helper()
	s := diff.New("m1")
	s.Title, s.CreatorID, s.CreatorNick, s.StartTime = "Weekly", "c1", "Chris", ms(1)
	for _, l := range []look{
		{at: 20, rows: []string{"ann 6 2-4", "ann 3 10-", "bob 5 10-15", "?Guest 3 12-", "cat 2", "dan 3 5-"}},
		{at: 30, kind: diff.Partial, rows: []string{"ann 3 25-", "eve 3 28-"}},
		{at: 40, rows: []string{"ann 6 2-4", "ann 3 10-", "bob 5 10-15", "?Guest 3 12-", "cat 2", "eve 3 28-"}},
		{at: 45, kind: diff.Partial, rows: []string{"eve 6 28-44"}},
	} {
		s = diff.Compare(s, l.snapshot()).State
	}
	return s
}

func TestAStateKeepsWhatOnlyTheNextLookNeeds(t *testing.T) {
	began := replay(t, busy(t), look{at: 44, kind: diff.Partial, rows: []string{"cat 2"}}).Mark()
	s := replay(t, busy(t), look{at: 45, kind: diff.Partial, rows: []string{"fay 3 44-"}, want: []string{"joined fay 44"}})
	replay(t, roundTrip(t, s), // dan is missing for the second time; the look from before the push proves nothing of fay
		look{
			since: began, at: 50, rows: []string{"ann 6 2-4", "ann 3 10-", "bob 5 10-15", "?Guest 3 12-", "cat 2", "eve 6 28-44"},
			want: []string{"left dan 50 (vanished) inferred"}, now: true,
		},
	)
}

// encoded is an encoded state of no people.
func encoded(t testing.TB, id string, end int64) []byte {
	t.Helper()
	s := diff.New(id)
	s.EndTime = end
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	return b
}

func TestUnmarshalStateRefusesWhatItDoesNotKnow(t *testing.T) {
	good, err := busy(t).MarshalBinary()
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		bytes []byte
		want  error
		says  string
	}{
		"nothing":         {nil, diff.ErrCorruptState, "empty"},
		"version 0":       {append([]byte{0}, good[1:]...), diff.ErrCorruptState, "version 0"},
		"newer version":   {append([]byte{4}, good[1:]...), diff.ErrNewerVersion, "version 4, this one reads up to 3"},
		"only a version":  {good[:1], diff.ErrCorruptState, "at byte 1"},
		"one byte more":   {append(slices.Clone(good), 0), diff.ErrCorruptState, "after the end"},
		"all ones":        {append([]byte{2}, slices.Repeat([]byte{0xff}, 64)...), diff.ErrCorruptState, "bad number"},
		"a long text":     {[]byte{2, 0xff, 0xff, 0x03, 'm'}, diff.ErrCorruptState, "more announced than follows"},
		"unknown phase":   {append([]byte{2, 2, 'm', '1', 9}, good[5:]...), diff.ErrCorruptState, "bad number at byte 4"},
		"impossible id":   {encoded(t, "a$b", 0), diff.ErrCorruptState, "conferenceId"},
		"id too long":     {encoded(t, strings.Repeat("x", 129), 0), diff.ErrCorruptState, "conferenceId"},
		"no id":           {encoded(t, "", 0), diff.ErrCorruptState, "conferenceId"},
		"unwritable end":  {encoded(t, "m1", events.MaxTime+1), diff.ErrCorruptState, "bad time"},
		"JSON of another": {[]byte(`{"conferenceId":"m1"}`), diff.ErrNewerVersion, "version 123"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := diff.UnmarshalState(tc.bytes)
			require.Nil(t, s)
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), "%!")
		})
	}
	for n := range good {
		_, err := diff.UnmarshalState(good[:n])
		require.ErrorIs(t, err, diff.ErrCorruptState, "%d bytes of %d", n, len(good))
	}
}

// TestStatesOfVersion1AreRead reads what was stored before there were gaps that are over in a
// state.
func TestStatesOfVersion1AreRead(t *testing.T) {
	s := busy(t)
	data, err := os.ReadFile("testdata/state-v1")
	require.NoError(t, err)
	old, err := diff.UnmarshalState(data)
	require.NoError(t, err)
	want := fieldsOf(s)
	want.TitleGiven = true // any title stood
	require.Equal(t, want, fieldsOf(old))
	require.Equal(t, slices.Collect(s.People()), slices.Collect(old.People()))
	replay(t, old, look{at: 50, kind: diff.Partial, rows: []string{"cat 3 49-"}, want: []string{"joined cat 49"}})
}

// A state is written in a form that a Rollcall from before chains reads, as long as it says nothing
// that such a one does not know.
func TestOnlyAChainedStateIsOfVersion3(t *testing.T) {
	s := busy(t)
	plain, err := s.MarshalBinary()
	require.NoError(t, err)
	require.EqualValues(t, 2, plain[0])
	chain := events.Chain{Events: 300, Last: events.HashOf([]byte("x"))}
	b, err := s.Chained(chain).MarshalBinary()
	require.NoError(t, err)
	require.EqualValues(t, 3, b[0])
	require.Equal(t, chain, roundTrip(t, s.Chained(chain)).Chain)
	for n := range b {
		_, err := diff.UnmarshalState(b[:n])
		require.ErrorIs(t, err, diff.ErrCorruptState, "%d bytes of %d", n, len(b))
	}
	_, err = diff.UnmarshalState(append([]byte{3}, plain[1:]...))
	require.ErrorIs(t, err, diff.ErrCorruptState, "a chain is missing")
	for _, bad := range []events.Chain{{Events: 1}, {Last: chain.Last, Events: math.MaxUint64}} {
		b, err := s.Chained(bad).MarshalBinary()
		require.NoError(t, err)
		_, err = diff.UnmarshalState(b)
		require.ErrorIs(t, err, diff.ErrCorruptState)
	}
}

// Of a meeting of which nothing is stored any more the start says so, over a restart and as often
// as it takes until it is announced, and once.
func TestALossOfEverythingIsToldByTheStart(t *testing.T) {
	restore := diff.Restore{Description: diff.Description{Title: "Weekly"}, At: ms(5)}
	told := func(s *diff.State) *events.Meeting {
		return diff.Start{At: ms(9)}.Apply(s).Events[0].Meeting
	}
	lost := restore.Apply(diff.New("m1").NumberedFrom(7)).State
	require.True(t, told(lost).Restarted)
	require.True(t, told(roundTrip(t, lost)).Restarted)
	require.True(t, told(restore.Apply(lost).State).Restarted)
	require.False(t, told(roundTrip(t, lost.Unchained())).Restarted)
	require.False(t, told(diff.New("m1").Watch(diff.Description{})).Restarted, "a meeting as any other")

	started := diff.Start{At: ms(9)}.Apply(lost).State
	ended := started.WithPhase(diff.Ended)
	require.False(t, told(ended.Watch(diff.Description{})).Restarted, "it is told once")
	fold := diff.NewFold("m1")
	fold.Add(diff.Start{At: ms(1)}.Apply(diff.New("m1")).Events[0])
	require.False(t, told(restore.Apply(fold.State()).State.Watch(diff.Description{})).Restarted, "something is stored")
}

func FuzzUnmarshalState(f *testing.F) {
	good, err := busy(f).MarshalBinary()
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte{1})
	f.Add([]byte{2})
	f.Add(append([]byte{1}, good[1:]...))
	f.Add([]byte{3})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := diff.UnmarshalState(b)
		if err != nil {
			require.Nil(t, s)
			return
		}
		require.LessOrEqual(t, s.Size(), len(b), "no more people than bytes")
		require.Equal(t, activeIn(s), s.Active)
		require.Equal(t, slices.Collect(s.People()), slices.Collect(roundTrip(t, s).People()))
		diff.Compare(s, look{at: 100, rows: []string{"ann 3 90-"}}.snapshot())
		diff.Compare(s, look{at: 100, over: true}.snapshot())
	})
}

// crowd is a meeting of n people, as DingTalk names them, of whom every tenth has left.
func crowd(n int) []diff.Row {
	rows := make([]diff.Row, n)
	for i := range rows {
		rows[i] = diff.Row{
			UnionID: fmt.Sprintf("iPpKq%08dWxYzAbCdEiE", i*7919), UserNick: fmt.Sprintf("Person %d", i),
			JoinTime: epoch + int64(i)*61, Status: diff.StatusActive, Host: i == 0,
		}
		if i%10 == 9 {
			rows[i].Status, rows[i].LeaveTime = diff.StatusLeft, epoch+3_600_000+int64(i)*37
		}
	}
	return rows
}

func TestTenThousandPeopleFitInAMessage(t *testing.T) {
	const natsMaxPayload = 1 << 20
	s := diff.Compare(diff.New("m1"), diff.Snapshot{Rows: crowd(10_000), At: epoch}).State
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	t.Logf("%d bytes, %.1f per person", len(b), float64(len(b))/10_000)
	require.Less(t, len(b), natsMaxPayload/2, "before it is compressed")
	require.Equal(t, 10_000, roundTrip(t, s).Size())
}

// Nothing of a meeting that has expired is known, and it begins as any other does.
func TestAnExpiredStateIsEmpty(t *testing.T) {
	s := roundTrip(t, diff.NewExpired("m1"))
	require.Equal(t, diff.Expired, s.Phase)
	require.Equal(t, "expired", s.Phase.String())
	require.False(t, s.Known())
	require.False(t, s.IsWatched())
	require.False(t, diff.Unwatch{At: 1}.Apply(s).Changed)
	require.False(t, diff.KeepWatching{}.Apply(s).Changed)
	w := diff.Watch{At: ms(1), AtOnce: true, Description: diff.Description{Title: "Weekly"}}
	began, anew := w.Apply(diff.New("m1")), w.Apply(s)
	require.Equal(t, began.Events, anew.Events)
	require.Equal(t, fieldsOf(began.State), fieldsOf(anew.State))
}
