package diff_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
)

// given is the description of somebody who asks to watch a meeting and calls it so.
func given(title string) diff.Description { return diff.Description{Title: title, TitleGiven: true} }

func TestAGivenTitleStands(t *testing.T) {
	told := diff.Description{Title: "DingTalk's", CreatorID: "c2", CreatorNick: "Cat", StartTime: 7}
	s := diff.New("m1").Describe(told).Describe(given("Ours"))
	assert.Equal(t, "Ours", s.Title)
	for name, next := range map[string]*diff.State{
		"described again": s.Describe(told), "completed": s.Complete(told), "restarted": reloaded(t, s).Describe(told),
		"watched again": s.WithPhase(diff.Ended).Watch(told), "by somebody who gives none": s.Describe(given("")),
	} {
		assert.Equal(t, "Ours", next.Title, name)
		assert.True(t, next.TitleGiven, name)
		assert.Equal(t, "c2", next.CreatorID, name)
	}
	for name, next := range map[string]*diff.State{"described": s.Describe(given("Other")), "completed": s.Complete(given("Other"))} {
		assert.Equal(t, "Other", next.Title, "%s: another is given", name)
		assert.True(t, next.TitleGiven, name)
	}
}

func TestWhatIsNotNewChangesNothing(t *testing.T) {
	first := diff.Description{Title: "Weekly", CreatorID: "c1", CreatorNick: "Chris", StartTime: 5}
	second := diff.Description{Title: "Monthly", CreatorID: "c2", CreatorNick: "Cat", StartTime: 7}
	s := diff.New("m1").Complete(first)
	assert.Equal(t, diff.New("m1").Describe(first), s, "nothing was known")
	assert.Same(t, s, s.Complete(second), "a push or a list may be older")
	assert.Same(t, s, s.Describe(first))
	assert.Same(t, s, s.Describe(diff.Description{}))
	assert.Equal(t, diff.New("m1").Describe(second), s.Describe(second), "it was renamed")
	assert.Equal(t, "Chris", diff.New("m1").Describe(diff.Description{Title: "Weekly"}).Complete(first).CreatorNick)
}

// TestAStateOfVersion1 was written when it was not known who gave a title: once there was one, it
// stood.
func TestAStateOfVersion1(t *testing.T) {
	v1 := slices.Concat([]byte{1, 2, 'm', '1', 1, 6}, []byte("Weekly"), make([]byte, 13))
	s, err := diff.UnmarshalState(v1)
	require.NoError(t, err)
	assert.Equal(t, "Weekly", s.Title)
	assert.True(t, s.TitleGiven)
	assert.Equal(t, "Weekly", s.Describe(diff.Description{Title: "Monthly"}).Title)
	v1 = slices.Concat([]byte{1, 2, 'm', '1', 1, 0}, make([]byte, 13))
	s, err = diff.UnmarshalState(v1)
	require.NoError(t, err)
	assert.False(t, s.TitleGiven)
}
