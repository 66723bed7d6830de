package publisher

import (
	"bytes"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/poller"
)

var _ poller.Pulse = (*Publisher)(nil)

func TestBeatsOfManyAtOnce(t *testing.T) {
	t.Parallel()
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

// TestABeatOutlastsOthers has another replica's beat stored before each attempt, as often as no
// comparison would be made again.
func TestABeatOutlastsOthers(t *testing.T) {
	t.Parallel()
	p, other, proxy := behindProxy(t, Options{})
	rounds := 0
	proxy.ToServer(func(data []byte) []byte {
		if bytes.Contains(data, []byte(hdrBatchCommit)) && rounds <= maxRounds {
			rounds++
			assert.NoError(t, other.Beat(t.Context(), 1))
		}
		return data
	})
	require.NoError(t, p.Beat(t.Context(), 2))
	assert.Greater(t, rounds, maxRounds)
	last, err := p.LastBeats(t.Context())
	require.NoError(t, err)
	assert.NotZero(t, last[1])
	assert.NotZero(t, last[2])
}

// TestBeatsGoByOneClock has replicas whose clocks are an hour off tell when they were alive, and
// read it, in turn.
func TestBeatsGoByOneClock(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })
	clock := func(off time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(off) } }
	ahead := open(t, connect(t, url), Options{Now: clock(time.Hour)})
	behind := open(t, connect(t, url), Options{Now: clock(-time.Hour)})
	began := time.Now().Truncate(time.Millisecond)
	require.NoError(t, ahead.Beat(t.Context(), 1, 2))
	require.NoError(t, behind.Beat(t.Context(), 2))
	require.NoError(t, ahead.Beat(t.Context(), 3))
	require.NoError(t, ahead.Beat(t.Context(), 4))
	ended := time.Since(began)
	for _, p := range []*Publisher{ahead, behind} {
		last, err := p.LastBeats(t.Context())
		require.NoError(t, err)
		for shard := 1; shard <= 4; shard++ {
			assert.WithinRange(t, last[shard], began, began.Add(ended+time.Second), shard)
		}
		assert.False(t, last[2].Before(last[1]))
		assert.False(t, last[4].Before(last[3]))
	}
}

func TestPulse(t *testing.T) {
	t.Parallel()
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
