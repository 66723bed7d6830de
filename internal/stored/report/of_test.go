package report_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

func TestOf(t *testing.T) {
	s := streamtest.Start(t)
	js := s.JetStream()
	_, err := report.Of(t.Context(), js, "a")
	require.ErrorIs(t, err, reading.ErrNoStream)
	r := s.Record()
	_, err = report.Of(t.Context(), js, "a")
	require.ErrorIs(t, err, report.ErrNoEvents)
	_, err = report.Of(t.Context(), js, "a.b")
	require.ErrorIs(t, err, events.ErrConferenceID)

	ann := diff.Row{UnionID: "ann", UserNick: "Ann", Status: diff.StatusActive, JoinTime: streamtest.Begin + 1000}
	r.Watch("a", streamtest.Begin+2000, diff.Description{Title: "Weekly", StartTime: streamtest.Begin})
	r.Look("a", streamtest.Begin+3000, ann)
	r.Join("b")
	before := time.Now().UnixMilli()
	running, err := report.Of(t.Context(), js, "a")
	require.NoError(t, err)
	assert.True(t, running.Running())
	assert.GreaterOrEqual(t, running.AsOf, before)
	assert.Equal(t, running.AsOf-ann.JoinTime, running.People[0].Total)

	r.End("a", streamtest.Begin+11_000, ann)
	over, err := report.Of(t.Context(), js, "a")
	require.NoError(t, err)
	require.Len(t, over.People, 1)
	assert.Equal(t, "Weekly", over.Title)
	assert.Equal(t, []int64{11_000, 10_000}, []int64{over.Duration, over.People[0].Total})
	assert.True(t, over.Complete)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = report.Of(gone, js, "a")
	assert.ErrorIs(t, err, context.Canceled)
}
