package publisher

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// everyShard is what a survey of everything reads.
func everyShard() []int {
	out := make([]int, events.Shards)
	for i := range out {
		out[i] = i
	}
	return out
}

// counted is a survey of the watched meetings, with how many people are in them.
func counted(p *Publisher) *Survey[string] {
	return NewSurvey(p, func(s *diff.State) (string, bool) {
		return fmt.Sprint(s.ConferenceID, " ", s.Active), s.Phase == diff.Watched
	})
}

func survey(t testing.TB, s *Survey[string], shards ...int) []string {
	t.Helper()
	out, err := s.Read(t.Context(), shards...)
	require.NoError(t, err)
	slices.Sort(out)
	return out
}

// requests are what is asked of JetStream.
type requests struct {
	nc   *nats.Conn
	msgs chan *nats.Msg
}

func countRequests(t testing.TB, url string) *requests {
	t.Helper()
	r := &requests{nc: connect(t, url), msgs: make(chan *nats.Msg, 10_000)}
	_, err := r.nc.ChanSubscribe("$JS.API.>", r.msgs)
	require.NoError(t, err)
	require.NoError(t, r.nc.Flush())
	return r
}

// take counts by their verb what was asked since it was called last, which was not less than least.
func (r *requests) take(t testing.TB, least int) map[string]int {
	t.Helper()
	require.Eventually(t, func() bool { return r.nc.Flush() == nil && len(r.msgs) >= least }, maxResends, time.Millisecond)
	n := map[string]int{}
	for range len(r.msgs) {
		m := <-r.msgs
		verb, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, "$JS.API."), "."+events.Stream)
		n[verb]++
	}
	return n
}

func stateOfStream(t testing.TB, p *Publisher) jetstream.StreamState {
	t.Helper()
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	return st.CachedInfo().State
}

// A survey writes nothing, and reads no state twice.
func TestSurvey(t *testing.T) {
	t.Parallel()
	s := startEmbedded(t, disk.Fast(t))
	p := open(t, connect(t, s.ClientURL()), Options{})
	rooms := map[string]*room{}
	for i := range 20 {
		id := fmt.Sprint("m", i)
		rooms[id] = newRoom(id).join("ann")
		update(t, p, rooms[id])
	}
	all := counted(p)
	before := stateOfStream(t, p)
	asked := countRequests(t, s.ClientURL())
	first := survey(t, all, everyShard()...)
	assert.Len(t, first, 20)
	n := asked.take(t, events.Shards+1)
	assert.LessOrEqual(t, n["CONSUMER.CREATE"], 20, "only shards with states are read: %v", n)
	assert.Positive(t, n["CONSUMER.CREATE"])
	for range 50 {
		require.Equal(t, first, survey(t, all, everyShard()...))
	}
	assert.Equal(t, map[string]int{"STREAM.INFO": 50}, asked.take(t, 50))
	after := stateOfStream(t, p)
	assert.Equal(t, before.LastSeq, after.LastSeq)
	assert.Equal(t, before.Msgs, after.Msgs)

	update(t, p, rooms["m3"].join("bob"))
	asked.take(t, 0)
	assert.Contains(t, survey(t, all, everyShard()...), "m3 2")
	assert.Equal(t, 1, asked.take(t, events.Shards+2)["CONSUMER.CREATE"], "only what is new")

	// Other shards are forgotten, and read again when they are asked for.
	shard := events.Shard("m3")
	for _, told := range survey(t, all, shard) {
		id, _, _ := strings.Cut(told, " ")
		assert.Equal(t, shard, events.Shard(id))
	}
	assert.Zero(t, asked.take(t, 1)["CONSUMER.CREATE"])
	assert.Len(t, survey(t, all, everyShard()...), 20)
	assert.Empty(t, survey(t, all))
	assert.Empty(t, all.shards, "nothing is kept that nobody asks for")
}

// A meeting that is over is told of no more, and neither is what cannot be read.
func TestSurveyOfWhatIsOver(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	all := counted(p)
	over := newRoom("over").join("ann")
	update(t, p, over)
	bad, newer := newRoom("bad").join("ann"), newRoom("newer").join("ann")
	update(t, p, bad)
	update(t, p, newer)
	require.Len(t, survey(t, all, everyShard()...), 3)
	over.over = true
	update(t, p, over)
	for id, data := range map[string][]byte{"bad": {1, 2, 3}, "newer": {sealedFormat + 1}} {
		_, err := p.replace(t.Context(), StateSubject(id), data)
		require.NoError(t, err)
	}
	assert.Empty(t, survey(t, all, everyShard()...))
}

// What is known of a stream counts for no other: one that is made anew, or goes back to a copy, is
// read from its beginning.
func TestSurveyOfAnotherStream(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	all := counted(p)
	update(t, p, newRoom("old").join("ann"))
	require.Equal(t, []string{"old 1"}, survey(t, all, everyShard()...))
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	cfg := st.CachedInfo().Config
	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	_, err = p.js.CreateStream(t.Context(), cfg)
	require.NoError(t, err)
	assert.Empty(t, survey(t, all, everyShard()...))
	for i := range 3 {
		update(t, p, newRoom(fmt.Sprint("new", i)).join("ann"))
	}
	assert.Equal(t, []string{"new0 1", "new1 1", "new2 1"}, survey(t, all, everyShard()...))
}

// Who waits for its turn goes when its time is up.
func TestSurveyThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	all := counted(p)
	all.lock <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := all.Read(ctx, 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
