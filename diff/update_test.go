package diff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// started is a meeting whose start was announced at epoch, with what d knows.
func started(d diff.Description) *diff.State {
	return diff.Start{At: epoch}.Apply(diff.New("m1").Watch(d)).State
}

func learn(s *diff.State, d diff.Description, at int64) diff.Result {
	return diff.Describe{Description: d, At: at}.Apply(s)
}

func TestAnUpdateSaysWhatIsKnown(t *testing.T) {
	s := started(diff.Description{})
	known := learn(s, diff.Description{Title: "Weekly", CreatorID: "c1", StartTime: epoch - 7}, epoch+5)
	require.Len(t, known.Events, 1)
	assert.True(t, known.Changed)
	e := known.Events[0]
	assert.Equal(t, events.MeetingUpdated, e.Type)
	assert.Equal(t, epoch+5, e.Time.UnixMilli())
	assert.Zero(t, e.Sequence)
	assert.Empty(t, e.Subject)
	want := events.Meeting{ConferenceID: "m1", Title: "Weekly", CreatorID: "c1", StartTime: epoch - 7, Reason: "known"}
	assert.Equal(t, want, *e.Meeting)
	assert.Equal(t, e.ID, learn(s, diff.Description{Title: "Weekly", CreatorID: "c1", StartTime: epoch - 7}, epoch+5).Events[0].ID)

	s = reloaded(t, known.State)
	for name, test := range map[string]struct {
		d      diff.Description
		reason string
	}{
		"more is known":       {diff.Description{CreatorNick: "Chris"}, "known"},
		"renamed":             {diff.Description{Title: "Monthly"}, "changed"},
		"renamed by somebody": {given("Monthly"), "changed"},
		"another creator":     {diff.Description{CreatorID: "c2", CreatorNick: "Cat"}, "changed"},
		"another start":       {diff.Description{StartTime: epoch}, "changed"},
	} {
		res := learn(s, test.d, epoch+6)
		if assert.Len(t, res.Events, 1, name) {
			assert.Equal(t, test.reason, res.Events[0].Meeting.Reason, name)
			assert.NotEqual(t, e.ID, res.Events[0].ID, name)
		}
	}
}

func TestTwoUpdatesOfOneMillisecondAreTwoFacts(t *testing.T) {
	first := learn(started(diff.Description{}), diff.Description{Title: "a"}, epoch+5)
	for name, d := range map[string]diff.Description{
		"title": {Title: "b"}, "creator": {CreatorID: "b"}, "nickname": {CreatorNick: "b"}, "start": {StartTime: 3},
	} {
		assert.NotEqual(t, first.Events[0].ID, learn(first.State, d, epoch+5).Events[0].ID, name)
	}
}

func TestNoUpdate(t *testing.T) {
	d := diff.Description{Title: "Weekly", CreatorID: "c1", CreatorNick: "Chris", StartTime: 5}
	s := started(d)
	same := learn(s, d, epoch+5)
	assert.Empty(t, same.Events)
	assert.False(t, same.Changed)
	assert.Same(t, s, same.State)

	given := learn(s, given("Weekly"), epoch+5)
	assert.Empty(t, given.Events, "who gave the title is told nobody")
	assert.True(t, given.Changed)
	assert.True(t, given.State.TitleGiven)

	unknown := diff.New("m1").Watch(diff.Description{})
	for name, s := range map[string]*diff.State{
		"before the start": unknown, "after the end": started(diff.Description{}).WithPhase(diff.Ended),
		"not watched": started(diff.Description{}).WithPhase(diff.Unwatched),
	} {
		res := learn(s, d, epoch+5)
		assert.Empty(t, res.Events, name)
		assert.True(t, res.Changed, name)
		assert.Equal(t, "Weekly", res.State.Title, name)
	}
	assert.Equal(t, epoch, learn(started(diff.Description{}), d, epoch-9).Events[0].Time.UnixMilli(), "not before the start")
}
