package diff_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// TestAStateWithoutSomebodyHasEverybodyElse takes somebody out of the states of whole histories:
// what is known of all others stays, and what is left can be written and read.
func TestAStateWithoutSomebodyHasEverybodyElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		p := newPlayer(t)
		for _, at := range pollTimes(t, o) {
			p.poll(o, at)
		}
		all := slices.Collect(p.state.People())
		if len(all) == 0 {
			t.Skip("nobody came")
		}
		gone := rapid.SampledFrom(all).Draw(t, "gone")
		who := diff.Who{UnionID: gone.UnionID}
		if gone.UnionID == "" {
			who.Nick = gone.UserNick
		}
		before, err := p.state.MarshalBinary()
		require.NoError(t, err)
		next := p.state.Without(who)
		after, err := p.state.MarshalBinary()
		require.NoError(t, err)
		assert.Equal(t, before, after, "a state that is shared is not changed")
		assert.False(t, next.Names(who))
		assert.Empty(t, next.Of(who))

		var want []diff.Person
		for _, person := range all {
			if !slices.Contains(p.state.Of(who), person) {
				want = append(want, person)
			}
		}
		assert.Equal(t, want, slices.Collect(next.People()))
		raw, err := next.MarshalBinary()
		require.NoError(t, err)
		read, err := diff.UnmarshalState(raw)
		require.NoError(t, err)
		assert.Equal(t, want, slices.Collect(read.People()))
	})
}

func TestForgettingSaysWhatIsErasedAndNotWho(t *testing.T) {
	s := diff.New("m1").Watch(diff.Description{Title: "Weekly", CreatorID: "ann", CreatorNick: "Ann Lee", StartTime: epoch})
	s = diff.All{diff.Start{At: epoch}, pushOfAnn(epoch + 5)}.Apply(s).State
	want := diff.Forget{Who: diff.Who{UnionID: "ann"}, Holes: []events.Hole{{Sequence: 1}}, Reason: "asked", By: "office", At: epoch, Now: epoch + 9, About: true}
	res := want.Apply(s)
	assert.Equal(t, []events.Type{events.MeetingUpdated, events.PersonErased}, typesOf(res))
	assert.Equal(t, "Weekly", res.Events[0].Meeting.Title)
	assert.Empty(t, res.Events[0].Meeting.CreatorID)
	assert.Equal(t, 1, res.Events[1].Erased.Events)
	assert.Empty(t, res.State.CreatorNick)
	assert.Zero(t, res.State.Size())
	assert.Equal(t, s.Sequence, res.State.Sequence, "numbers go on")
	assert.NotContains(t, want.String(), "ann")
	again := diff.Forget{Who: want.Who, Holes: []events.Hole{{Sequence: 2}}, Now: want.Now}.Apply(s)
	assert.NotEqual(t, res.Events[1].ID, again.Events[0].ID, "two facts of one millisecond")
}
