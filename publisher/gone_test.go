package publisher

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// TestAStreamThatIsGoneIsMadeAgain by any of those who miss it, with all that it needs.
func TestAStreamThatIsGoneIsMadeAgain(t *testing.T) {
	t.Parallel()
	url := startEmbedded(t, disk.Fast(t)).ClientURL()
	one, two := open(t, connect(t, url), Options{}), open(t, connect(t, url), Options{})
	r := newRoom("room").join("ann")
	before := update(t, one, r)
	at, err := one.Position(t.Context())
	require.NoError(t, err)
	_, ended := following(t, one, at)
	require.NoError(t, one.js.DeleteStream(t.Context(), events.Stream))
	require.Error(t, <-ended)

	var all sync.WaitGroup
	for _, p := range []*Publisher{one, two} {
		all.Go(func() {
			rec, _, err := p.Update(t.Context(), before, r.compare())
			if err == nil { // nothing has changed for it
				rec, err = p.Load(t.Context(), r.id)
			}
			for err != nil {
				rec, err = p.Load(t.Context(), r.id)
			}
			assert.Zero(t, rec.Revision)
		})
	}
	all.Wait()
	update(t, two, r)
	assert.Len(t, verify(t, one.nc, one, r.id), 1)
	require.ErrorIs(t, one.Follow(t.Context(), at, func(string, diff.Position) {}), diff.ErrAnew)
	st, err := one.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	assert.Empty(t, refusals(st.CachedInfo().Config))
}

// TestAStreamThatMayBeThereIsNotMade: somebody restores it, or the servers cannot tell.
func TestAStreamThatMayBeThereIsNotMade(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	cfg := st.CachedInfo().Config
	cfg.Description = "restored"
	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	_, err = p.Load(t.Context(), "room")
	require.Error(t, err)
	began := time.Now()
	require.Eventually(t, func() bool {
		_, err := p.js.CreateStream(t.Context(), cfg)
		return err == nil
	}, goneFor/2, time.Millisecond)
	require.Less(t, time.Since(began), goneFor)
	require.Never(t, func() bool {
		st, err := p.js.Stream(t.Context(), events.Stream)
		return err == nil && st.CachedInfo().Config.Description != "restored"
	}, goneFor+askGone, 100*time.Millisecond)
	assert.False(t, p.gone(t.Context()))

	off := startServer(t, func(o *server.Options) { o.JetStream, o.StoreDir = false, "" })
	q := &Publisher{opts: Options{}.withDefaults()}
	q.js = jetStreamOf(t, off)
	assert.False(t, q.gone(t.Context()))
}

// TestStatesThatAreStoredAreNamed, and how old they are at most.
func TestStatesThatAreStoredAreNamed(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room")
	update(t, p, r.join("ann"))
	update(t, p, newRoom("other").join("bob"))
	shard := events.Shard(r.id)
	stored, oldest, err := p.Stored(t.Context(), shard)
	require.NoError(t, err)
	assert.Contains(t, stored, r.id)
	assert.NotContains(t, stored, "other")
	assert.Equal(t, uint64(1), oldest)

	purge(t, p)
	stored, oldest, err = p.Stored(t.Context(), shard)
	require.NoError(t, err)
	assert.Empty(t, stored)
	assert.Equal(t, uint64(9), oldest)
	require.NoError(t, p.Barrier(t.Context()))

	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	_, _, err = p.Stored(t.Context(), shard)
	require.Error(t, err)
	require.Error(t, p.Barrier(t.Context()))
}

// TestReadingSaysWhatIsLost: it is not taken for somebody else's commit.
func TestReadingSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	rec := update(t, p, r)
	same, err := p.reload(t.Context(), rec)
	require.NoError(t, err)
	assert.Equal(t, rec.Revision, same.Revision)
	less, err := p.reload(t.Context(), Record{State: rec.State, Revision: rec.Revision + 1})
	require.ErrorIs(t, err, diff.ErrLost)
	assert.Equal(t, rec.Revision, less.Revision, "what is stored")
}

func jetStreamOf(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(connect(t, url))
	require.NoError(t, err)
	return js
}
