package diff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// never is a condition that does not hold.
type never struct{}

func (never) Holds(*diff.State) bool { return false }

func pushOfAnn(at int64) diff.Snapshot {
	return diff.Snapshot{
		Kind: diff.Partial, From: at, At: at, Via: events.ViaPush,
		Rows: []diff.Row{{UnionID: "ann", UserNick: "Ann Lee", Status: diff.StatusActive, JoinTime: epoch}},
	}
}

func typesOf(res diff.Result) []events.Type {
	var out []events.Type
	for _, e := range res.Events {
		out = append(out, e.Type)
	}
	return out
}

func TestAllGivesWhatEachGave(t *testing.T) {
	s := diff.New("m1").Watch(diff.Description{})
	res := diff.All{diff.Start{At: epoch}, diff.All{}, pushOfAnn(epoch + 5)}.Apply(s)
	require.Len(t, res.Each(), 3)
	assert.Equal(t, []events.Type{events.MeetingStarted}, typesOf(res.Each()[0]))
	assert.Empty(t, res.Each()[1].Events)
	assert.Equal(t, []events.Type{events.Joined}, typesOf(res.Each()[2]))
	assert.Equal(t, []events.Type{events.MeetingStarted, events.Joined}, typesOf(res))
	assert.Equal(t, 1, res.State.Active)
	assert.Zero(t, s.StartedAt, "the state that it was applied to stays as it was")
}

func TestIfWatched(t *testing.T) {
	push := diff.StartFirst{At: epoch, What: pushOfAnn(epoch)}
	unwatched := diff.New("m1").WithPhase(diff.Unwatched)
	assert.Empty(t, diff.IfWatched{Then: push}.Apply(unwatched).Events)
	assert.Empty(t, diff.IfWatched{Then: push}.Apply(diff.New("m1")).Events, "nobody began to watch it")

	begun := diff.IfWatched{Then: push, Else: diff.Watch{At: epoch}}.Apply(unwatched)
	assert.True(t, begun.Began)
	assert.Equal(t, []events.Type{events.MeetingStarted, events.Joined}, typesOf(begun))
	left := diff.IfWatched{Then: push, Else: diff.Watch{At: epoch, If: never{}}}.Apply(unwatched)
	assert.False(t, left.Began)
	assert.Empty(t, left.Events)

	again := diff.IfWatched{Then: push, Else: diff.Watch{At: epoch}}.Apply(begun.State)
	assert.False(t, again.Began, "it is watched already")
	assert.Empty(t, again.Events)
}

func TestAStartWaitsForNews(t *testing.T) {
	s := diff.New("m1").Watch(diff.Description{})
	nothing := diff.StartFirst{At: epoch, What: diff.All{}}.Apply(s)
	assert.False(t, nothing.Changed)
	assert.Empty(t, nothing.Events)
}

// TestIntentsNameNobody logs every kind of intent: what is wanted is named, and no people.
func TestIntentsNameNobody(t *testing.T) {
	about := diff.Description{Title: "Ann Lee's meeting", CreatorID: "ann", CreatorNick: "Ann Lee"}
	look := pushOfAnn(epoch)
	all := diff.All{
		look,
		diff.Describe{Description: about},
		diff.FillIn{Description: about},
		diff.Gap{Reason: "throttled"},
		diff.GapBefore{Look: look},
		diff.Start{},
		diff.StartFirst{What: look},
		diff.End{Reason: "ended"},
		diff.Watch{Description: about},
		diff.KeepWatching{Description: about},
		diff.Unwatch{},
		diff.Restore{Description: about},
		diff.Lost{},
		diff.IfWatched{Then: look},
		diff.IfWatched{Then: look, Else: diff.Unwatch{}},
	}
	for _, want := range all {
		assert.NotEmpty(t, want.String())
	}
	assert.NotContains(t, all.String(), "nn")
	assert.Contains(t, all.String(), "partial snapshot of 1 rows")
}
