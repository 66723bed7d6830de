package diff_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// folded is the state that follows from events alone.
func folded(list []events.Event) *diff.State {
	f := diff.NewFold("m1")
	for _, e := range list {
		f.Add(e)
	}
	return f.State()
}

// TestALostStateIsRebuiltFromEvents: whenever it is lost, the same list announces nothing twice,
// and what comes afterwards is what would have come.
func TestALostStateIsRebuiltFromEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		p, undisturbed := newPlayer(t), newPlayer(t)
		for _, at := range pollTimes(t, o) {
			p.poll(o, at)
			undisturbed.poll(o, at)
			if rapid.Bool().Draw(t, "lost") {
				before := p.state
				p.state = folded(p.events)
				require.Equal(t, before.Sequence, p.state.Sequence)
				require.Equal(t, before.Active, p.state.Active)
				data, err := p.state.MarshalBinary()
				require.NoError(t, err)
				_, err = diff.UnmarshalState(data)
				require.NoError(t, err)
				again := diff.Compare(p.state, diff.Snapshot{Rows: o.list(at), From: at + 1, At: at + 1, Via: events.ViaPoll})
				require.Empty(t, again.Events)
			}
		}
		p.finish(o)
		undisturbed.finish(o)
		require.Equal(t, undisturbed.facts(), p.facts())
		p.alternates()
	})
}

// TestWhatEventsOfAMeetingSay of the meeting itself is in the state that is rebuilt.
func TestWhatEventsOfAMeetingSay(t *testing.T) {
	s := diff.New("m1").Watch(diff.Description{Title: "Weekly", CreatorID: "u1", CreatorNick: "Ann", StartTime: epoch})
	res := diff.Start{At: epoch + 5}.Apply(s)
	res = res.Then(diff.Gap{From: epoch + 6, At: epoch + 9, Reason: "throttled"}.Apply(res.State))
	rebuilt := folded(res.Events)
	assert.Equal(t, res.State.Description(), rebuilt.Description())
	assert.True(t, rebuilt.Known())
	assert.Equal(t, []any{diff.Watched, epoch + 5, epoch + 6, "throttled"},
		[]any{rebuilt.Phase, rebuilt.StartedAt, rebuilt.GapFrom, rebuilt.GapReason})
	res = res.Then(diff.CloseGap(res.State, epoch+60))
	assert.Zero(t, folded(res.Events).GapFrom)
	assert.Equal(t, epoch+60, folded(res.Events).LookedAt, "a look has closed it")

	over := diff.Compare(res.State, diff.Snapshot{From: epoch + 99, At: epoch + 99, Over: true, EndTime: epoch + 90})
	res = res.Then(over).Then(diff.End{At: epoch + 99, Reason: "ended"}.Apply(over.State))
	rebuilt = folded(res.Events)
	assert.Equal(t, diff.Ended, rebuilt.Phase)
	assert.Equal(t, epoch+90, rebuilt.EndTime)
	other := res.Events[0]
	other.Meeting = &events.Meeting{ConferenceID: "other"}
	assert.Equal(t, "m1", folded([]events.Event{other}).ConferenceID)
	assert.Zero(t, folded([]events.Event{other}).StartedAt)
}

// TestTheFirstEventsHaveExpired: who is there is known from what is left.
func TestTheFirstEventsHaveExpired(t *testing.T) {
	p := &player{state: diff.New("m1")}
	stays := diff.Row{UnionID: "ann", UserNick: "Ann", Status: diff.StatusActive, JoinTime: epoch}
	goes := diff.Row{UnionID: "bob", UserNick: "Bob", Status: diff.StatusActive, JoinTime: epoch + 1}
	comes := diff.Row{UnionID: "cyd", UserNick: "Cyd", Status: diff.StatusActive, JoinTime: epoch + 2}
	look := func(at int64, rows ...diff.Row) {
		p.take(diff.Snapshot{Rows: rows, From: at, At: at, Via: events.ViaPoll})
	}
	look(epoch+10, stays, goes)
	goes.Status, goes.LeaveTime = diff.StatusLeft, epoch+20
	look(epoch+30, stays, goes, comes)
	s := folded(p.events[2:])
	assert.Equal(t, uint64(4), s.Sequence)
	assert.Equal(t, 1, s.Active, "Cyd; of Ann nothing is stored any more")
	res := diff.Compare(s, diff.Snapshot{Rows: []diff.Row{stays, goes, comes}, From: epoch + 40, At: epoch + 40, Via: events.ViaPoll})
	require.Len(t, res.Events, 1)
	assert.Equal(t, "ann", res.Events[0].Subject)
	assert.Equal(t, p.events[0].ID, res.Events[0].ID)
	again := folded(append(p.events[2:], p.events[2:]...))
	assert.Equal(t, slices.Collect(s.People()), slices.Collect(again.People()), "events that come twice change nothing")
	assert.Equal(t, s.Sequence, again.Sequence)
}

func TestWhatIsLostIsSaidOnce(t *testing.T) {
	known := diff.Description{Title: "Weekly"}
	restored := diff.Restore{Description: known, At: epoch}
	s := restored.Apply(diff.New("m1").NumberedFrom(7)).State
	assert.Equal(t, "Weekly", s.Title)
	assert.Equal(t, uint64(7), s.Sequence)
	assert.Equal(t, uint64(7), s.NumberedFrom(9).Sequence, "what is stored counts")
	assert.Equal(t, diff.Watched, restored.Apply(s.WithPhase(diff.Ended)).State.Phase)

	lost := diff.Lost{From: epoch, At: epoch + time.Hour.Milliseconds()}.Apply(s)
	require.Len(t, lost.Events, 1)
	assert.Equal(t, &events.Gap{ConferenceID: "m1", From: epoch, Reason: events.GapStoreLost}, lost.Events[0].Gap)
	assert.Empty(t, diff.Lost{From: epoch, At: epoch + 1}.Apply(lost.State).Events)
	assert.Empty(t, diff.Lost{From: epoch, At: epoch + 1}.Apply(s.WithPhase(diff.Ended)).Events)

	blind := diff.Gap{From: epoch, At: epoch, Reason: "unavailable"}.Apply(s).State
	both := diff.Lost{From: epoch, At: epoch + 5}.Apply(blind)
	require.Len(t, both.Events, 2)
	assert.Equal(t, epoch+5, both.Events[0].Gap.To, "the one that is open ends")
	assert.Equal(t, events.GapStoreLost, both.State.GapReason)
	assert.NotEqual(t, diff.Gap{From: epoch, At: epoch, Reason: "x"}.Apply(s).Events[0].ID, both.Events[1].ID, "an id is no other event's")
}
