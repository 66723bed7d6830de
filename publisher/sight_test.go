package publisher

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// TestWhetherTheSourceIsSeenIsToldOnce by any number of replicas, in turns of blind and seeing.
func TestWhetherTheSourceIsSeenIsToldOnce(t *testing.T) {
	t.Parallel()
	one := newPublisher(t, Options{CorpID: "ding9f50", Retention: time.Hour})
	two := open(t, one.nc, Options{CorpID: "ding9f50", Retention: time.Hour})
	told, err := one.TellSeeing(t.Context(), 5)
	require.NoError(t, err)
	assert.False(t, told, "nobody was blind")
	for round := range int64(3) {
		from, to := 1_000_000*(round+1), 1_000_000*(round+1)+500
		var times atomic.Int32
		together := func(tell func(p *Publisher) (bool, error)) {
			var all sync.WaitGroup
			times.Store(0)
			for range 4 {
				for _, p := range []*Publisher{one, two} {
					all.Go(func() {
						told, err := tell(p)
						assert.NoError(t, err)
						if told {
							times.Add(1)
						}
					})
				}
			}
			all.Wait()
			assert.Equal(t, int32(1), times.Load())
		}
		together(func(p *Publisher) (bool, error) { return p.TellBlind(t.Context(), from, events.SightUnavailable) })
		e, _, err := one.lastSight(t.Context())
		require.NoError(t, err)
		assert.Equal(t, events.Sight{From: from, Reason: "unavailable"}, *e.Sight)
		assert.Equal(t, "/dingtalk/ding9f50", e.Source)
		assert.Equal(t, from, e.Time.UnixMilli())
		together(func(p *Publisher) (bool, error) { return p.TellSeeing(t.Context(), to) })
		e, seq, err := two.lastSight(t.Context())
		require.NoError(t, err)
		assert.Equal(t, events.Sight{From: from, To: to, Reason: "unavailable"}, *e.Sight)
		assert.Equal(t, to, e.Time.UnixMilli())
		assert.Equal(t, uint64(2*round+2), seq)
		msg, err := one.lastMessage(t.Context(), string(events.SourceSeeing))
		require.NoError(t, err)
		assert.Equal(t, "3600s", msg.header.Get("Nats-TTL"))
	}
}
