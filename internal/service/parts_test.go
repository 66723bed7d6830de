package service

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/fleet/shards"
)

// silent joins as a replica that holds half of the shards and answers nobody, until the test ends.
func silent(t *testing.T, natsURL string) *shards.Replica {
	t.Helper()
	conn, err := nats.Connect(natsURL)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	r, err := shards.Open(t.Context(), conn, shards.Options{Name: "silent"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return r
}

// Listing the meetings writes nothing: not even where a replica that holds some of them answers
// nobody.
func TestListingWritesNothing(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, many())
	s := external(settings(t, api), broker(t, nil).Addr().String())
	s.Polling.MinInterval, s.Polling.MaxInterval = time.Hour, time.Hour
	r := start(t, s)
	natsURL := r.ready()
	for i := range offices {
		status, body := r.do(http.MethodPut, fmt.Sprintf("/v1/meetings/office%d", i), "")
		require.Equal(t, http.StatusCreated, status, body)
	}
	require.Eventually(t, func() bool {
		n := 0
		for _, m := range r.lists() {
			n += m.ActiveCount
		}
		return n == offices
	}, patience, 5*time.Millisecond)

	other := silent(t, natsURL)
	require.Eventually(t, func() bool { return other.Mine().Len() == 32 && shardsOf(r) == "32" }, patience, 5*time.Millisecond)
	conn, err := nats.Connect(natsURL)
	require.NoError(t, err)
	defer conn.Close()
	written, read := make(chan *nats.Msg, 1000), make(chan *nats.Msg, 1000)
	for subject, to := range map[string]chan *nats.Msg{"rollcall.in.rollcall.state.>": written, "$JS.API.CONSUMER.CREATE.CONFERENCE.>": read} {
		_, err := conn.ChanSubscribe(subject, to)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Flush())
	var reads []int
	for range 4 {
		all := r.lists()
		assert.Len(t, all, offices)
		for id, m := range all {
			assert.Equal(t, 1, m.ActiveCount, id)
		}
		require.NoError(t, conn.Flush())
		reads = append(reads, len(read))
	}
	assert.Empty(t, written)
	assert.Positive(t, reads[0])
	assert.LessOrEqual(t, reads[0], 32, "of the shards that nobody answers for")
	assert.Equal(t, []int{reads[0], reads[0], reads[0], reads[0]}, reads, "what is known is not read again")
}
