package publisher

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

var _ poller.Pulse = (*Publisher)(nil)

func TestBeatsOfManyAtOnce(t *testing.T) {
	p := newPublisher(t, Options{})
	const n = 4
	for range 5 {
		for _, err := range each(n, func(i int) error { return p.Beat(t.Context(), i) }) {
			require.NoError(t, err)
		}
	}
	last, err := p.LastBeats(t.Context())
	require.NoError(t, err)
	for shard, at := range last {
		assert.Equal(t, shard >= n, at.IsZero())
	}
}

func TestPulse(t *testing.T) {
	p := newPublisher(t, Options{})
	last, err := p.LastBeats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, last, "nobody ever was alive")
	for range 3 {
		before := time.Now().Add(-time.Second)
		require.NoError(t, p.Beat(t.Context(), 0, 63))
		last, err = p.LastBeats(t.Context())
		require.NoError(t, err)
		assert.WithinRange(t, last[0], before, time.Now().Add(time.Second))
		assert.WithinRange(t, last[63], before, time.Now().Add(time.Second))
		assert.Zero(t, last[1])
	}
	info, err := p.js.Stream(t.Context(), "CONFERENCE")
	require.NoError(t, err)
	assert.Equal(t, uint64(1), info.CachedInfo().State.Msgs, "one message, however often")
	for range p.All(t.Context()) {
		assert.Fail(t, "a beat is no state")
	}
}
