package reading_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// TestWhatHasExpiredIsNoLoss: a reader goes on behind the place that it had come to, whether that is
// still stored or not, and the stream is the one that it was.
func TestWhatHasExpiredIsNoLoss(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	ann := diff.Row{UnionID: "ann", UserNick: "Ann", Status: diff.StatusActive, JoinTime: streamtest.Begin}
	r.Watch("over", streamtest.Begin, diff.Description{Title: "Weekly"})
	r.End("over", streamtest.Begin+60_000, ann)
	r.Watch("live", streamtest.Begin, diff.Description{Title: "Daily"})
	all := func(opts reading.Options) (got []string, at diff.Position) {
		t.Helper()
		reader, err := reading.Open(t.Context(), js, opts)
		require.NoError(t, err)
		require.NoError(t, reader.Run(t.Context(), func(m reading.Message) error {
			got = append(got, brief(t, m))
			return nil
		}))
		return got, reader.Position()
	}
	before, end := all(reading.Options{})
	require.Len(t, before, 5)
	half, err := reading.Open(t.Context(), js, reading.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, half.Run(ctx, func(reading.Message) error { cancel(); return nil }))
	live := follow(t, js, reading.Options{New: true})

	r.Expire()
	got, _ := all(reading.Options{})
	assert.Empty(t, got)
	got, _ = all(reading.Options{Subjects: reading.Subjects("over")})
	assert.Empty(t, got)
	got, _ = all(reading.Options{Subjects: reading.Subjects("live")})
	assert.Len(t, got, 1, "a meeting that is watched does not expire")
	for _, at := range []diff.Position{end, half.Position(), {Sequence: end.Sequence}} {
		got, _ = all(reading.Options{After: at})
		assert.Empty(t, got)
	}
	r.Look("live", streamtest.Begin+60_000, ann)
	for _, at := range []diff.Position{end, half.Position(), {Sequence: end.Sequence}} {
		got, _ = all(reading.Options{After: at})
		assert.Len(t, got, 1)
	}
	live.becomes(t, got...)
	assert.Empty(t, live.anew)
	on, err := reading.GoOn(t.Context(), js, reading.Subjects(""), end)
	require.NoError(t, err)
	assert.Equal(t, end, on)
}
