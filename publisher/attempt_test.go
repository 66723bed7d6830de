package publisher

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// attempts keeps what a publisher reports.
type attempts struct {
	mu  sync.Mutex
	all []error
}

func (a *attempts) add(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, err)
}

// last is the newest report, and how many there are.
func (a *attempts) last() (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) == 0 {
		return 0, nil
	}
	return len(a.all), a.all[len(a.all)-1]
}

// TestTheFirstAttemptThatFailsIsReported, and not only that a commit was given up.
func TestTheFirstAttemptThatFailsIsReported(t *testing.T) {
	t.Parallel()
	var heard attempts
	p, _, proxy := behindProxy(t, Options{Attempted: heard.add})
	rec := commit(t, p, load(t, p, "room"), newRoom("room").join("ann"))
	n, err := heard.last()
	require.NoError(t, err)
	require.Equal(t, 1, n)

	proxy.Refuse(true)
	proxy.Cut()
	require.Eventually(t, func() bool { _, err := heard.last(); return err != nil }, maxResends, time.Millisecond)
	_, err = heard.last()
	require.ErrorContains(t, err, "not connected")
	var u interface{ Unreachable() bool }
	require.ErrorAs(t, err, &u)
	beaten := p.Beat(t.Context())
	require.ErrorIs(t, beaten, errNotConnected)
	require.NotContains(t, beaten.Error(), "buffer")
	_, err = p.Load(t.Context(), "room")
	require.NotContains(t, err.Error(), "buffer")

	n, _ = heard.last()
	stored := make(chan Record, 1)
	go func() { stored <- commit(t, p, rec, newRoom("room").join("ann").join("bob")) }()
	require.Eventually(t, func() bool { m, _ := heard.last(); return m > n }, maxResends, time.Millisecond)
	_, err = heard.last()
	require.ErrorIs(t, err, errNotConnected, "of the commit, which goes on")
	proxy.Refuse(false)
	<-stored
	_, err = heard.last()
	require.NoError(t, err)
}

// TestABeatAsksForAsMuchRoomAsWasRefused: what is smaller than that proves nothing.
func TestABeatAsksForAsMuchRoomAsWasRefused(t *testing.T) {
	t.Parallel()
	var heard attempts
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := open(t, nc, Options{Attempted: heard.add})
	limit := func(set func(*jetstream.StreamConfig, jetstream.StreamState)) {
		st, err := p.js.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		info := st.CachedInfo()
		set(&info.Config, info.State)
		_, err = p.js.UpdateStream(t.Context(), info.Config)
		require.NoError(t, err)
	}
	require.NoError(t, p.Beat(t.Context(), 1))
	for name, set := range map[string]func(*jetstream.StreamConfig, jetstream.StreamState){
		"messages": func(c *jetstream.StreamConfig, s jetstream.StreamState) { c.MaxMsgs = int64(s.Msgs) + 3 },
		"bytes":    func(c *jetstream.StreamConfig, s jetstream.StreamState) { c.MaxBytes = int64(s.Bytes) + 2000 },
	} {
		limit(set)
		require.NoError(t, p.Beat(t.Context(), 1), "there is room for it")
		r := newRoom(name).join("ann").join("bob")
		began := time.Now()
		_, _, err := p.Update(t.Context(), load(t, p, r.id), r.compare())
		require.ErrorContains(t, err, "maximum "+name+" exceeded")
		require.Less(t, time.Since(began), maxResends/4, "at once")
		_, err = heard.last()
		require.ErrorContains(t, err, "maximum "+name+" exceeded")
		require.ErrorContains(t, p.Beat(t.Context(), 1), "maximum "+name+" exceeded", "not for as much")

		small := newRoom("small-" + name)
		reports, _ := heard.last()
		commit(t, p, load(t, p, small.id), small)
		after, _ := heard.last()
		assert.Equal(t, reports, after, "what fits is stored, and proves nothing")

		limit(func(c *jetstream.StreamConfig, _ jetstream.StreamState) { c.MaxMsgs, c.MaxBytes = -1, -1 })
		require.NoError(t, p.Beat(t.Context(), 1))
		_, err = heard.last()
		require.NoError(t, err)
		assert.Zero(t, p.refusedShape())
	}
	require.Eventually(t, func() bool {
		m, err := p.lastMessage(t.Context(), padSubject)
		return err == nil && m == nil
	}, maxResends, 10*time.Millisecond, "what only filled a batch is gone")
}

func TestABusyServerGetsAMoment(t *testing.T) {
	t.Parallel()
	var heard attempts
	p := &Publisher{opts: Options{Attempted: heard.add}}
	busyFor := func(err error, began time.Time) int {
		before, _ := heard.last()
		p.attempted(nil, answer{verdict: busy, err: err}, began)
		after, _ := heard.last()
		return after - before
	}
	said := &ServerError{Code: codeLastNotReady}
	assert.Zero(t, busyFor(said, time.Now()))
	assert.Equal(t, 1, busyFor(said, time.Now().Add(-busyGrace)))
	assert.Equal(t, 1, busyFor(nats.ErrNoResponders, time.Now()), "nobody said it")
	p.attempted(nil, answer{verdict: conflict, err: errors.New("somebody else")}, time.Now())
	n, _ := heard.last()
	assert.Equal(t, 2, n)
}
