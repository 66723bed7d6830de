package events_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// told makes a meeting's events: three people come, the second is erased.
func told(t *testing.T) (all []events.Event, payloads [][]byte, erased events.Event) {
	t.Helper()
	chain := events.Chain{}
	add := func(e events.Event) {
		e.Previous, e.Salt = chain.Last.String(), "AAECAwQFBgcICQoLDA0ODw"
		payload, err := events.Encode(e)
		require.NoError(t, err)
		all, payloads, chain = append(all, e), append(payloads, payload), chain.Add(payload)
	}
	for i, who := range []string{"ann", "bob", "bob", "eve"} {
		add(member(func(e *events.Event) {
			if i == 2 {
				end(events.Left, events.ReasonLeft, 6)(e)
			}
			e.ID, e.Subject, e.Sequence, e.Member.UnionID = events.MemberID("6321a", who, at, e.Type), who, uint64(i+1), who
		}))
	}
	e := events.Event{
		ID: events.MeetingID("6321a", at, events.PersonErased, ""), Source: all[0].Source, Type: events.PersonErased,
		Time: all[0].Time, RecordedTime: all[0].RecordedTime, Erased: &events.Erased{ConferenceID: "6321a", Events: 2},
	}
	for i := 1; i <= 2; i++ {
		e.Erased.Holes = append(e.Erased.Holes, events.Hole{
			Sequence: all[i].Sequence, Hash: events.HashOf(payloads[i]).String(), Previous: all[i].Previous,
		})
	}
	add(e)
	return all, payloads, all[4]
}

func TestARosterTakesHolesAsExplainedAndNoOthers(t *testing.T) {
	all, _, erased := told(t)
	r := events.NewRoster("6321a")
	require.NoError(t, r.Apply(all[0]))
	require.ErrorIs(t, r.Apply(all[3]), events.ErrMissingEvents, "nothing has told of the hole yet")
	r.Explain(&erased)
	require.NoError(t, r.Apply(all[3]))
	require.NoError(t, r.Apply(erased))
	people, count := r.Erased()
	assert.Equal(t, []int{1, 2}, []int{people, count}, "told twice it counts once")
	assert.True(t, r.Complete())
	assert.Len(t, r.Present(), 2)

	for name, missing := range map[string]int{"before the hole": 0, "beside it": 3} {
		r := events.NewRoster("6321a")
		r.Explain(&erased)
		var err error
		for i, e := range []events.Event{all[0], all[3], member(func(e *events.Event) { e.Subject, e.Sequence = "fay", 5 })} {
			if want := map[int]int{0: 0, 1: 3}[i]; i < 2 && want == missing {
				continue
			}
			if err = r.Apply(e); err != nil {
				break
			}
		}
		assert.False(t, err == nil && r.Complete(), name)
	}
}

func TestARosterForgetsWhomItIsToldToForget(t *testing.T) {
	all, _, erased := told(t)
	r := events.NewRoster("6321a")
	require.NoError(t, r.Apply(meeting(events.MeetingStarted, at, events.Meeting{})))
	for _, e := range all[:4] {
		require.NoError(t, r.Apply(e))
	}
	forget := events.Event{ID: "x", Type: events.PersonForget, Subject: "ann", Forget: &events.Forget{ConferenceID: "6321a", UnionID: "ann"}}
	require.NoError(t, r.Apply(erased))
	require.NoError(t, r.Apply(forget))
	for _, a := range r.Attendances() {
		assert.NotEqual(t, "ann", a.Person)
	}
	require.Len(t, r.Present(), 1)
	assert.Equal(t, "eve", r.Present()[0].Person)
	assert.Equal(t, "c1", r.Meeting().CreatorID)
	forget.Subject, forget.Forget.UnionID = "c1", "c1"
	require.NoError(t, r.Apply(forget))
	assert.Empty(t, r.Meeting().CreatorID)
}

func TestAnEndThatNamedACreatorIsToldByAnUpdate(t *testing.T) {
	r := events.NewRoster("6321a")
	require.NoError(t, r.Apply(meeting(events.MeetingUpdated, at, events.Meeting{EndTime: at, People: 3})))
	require.NotNil(t, r.Ended())
	assert.Equal(t, 3, r.Ended().People)
	require.NoError(t, r.Apply(meeting(events.MeetingStarted, at+1, events.Meeting{})))
	require.NoError(t, r.Apply(meeting(events.MeetingUpdated, at+2, events.Meeting{})))
	assert.Nil(t, r.Ended())
}

func TestAChainIsFollowedAcrossItsHoles(t *testing.T) {
	all, payloads, erased := told(t)
	var holes events.Holes
	holes.Add(&erased)
	chain, err := events.Chain{}.Follow(payloads[0], &all[0])
	require.NoError(t, err)
	_, err = chain.Follow(payloads[3], &all[3])
	require.ErrorIs(t, err, events.ErrChain)
	for _, i := range []int{3, 4} {
		chain, err = holes.Over(chain, all[i].Previous).Follow(payloads[i], &all[i])
		require.NoError(t, err)
	}
	assert.Equal(t, uint64(5), chain.Events)
	assert.Equal(t, events.Chain{}, holes.Over(events.Chain{}, all[3].Previous), "the first event is no hole")
}
