package service

import (
	"bytes"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// The stored meetings are read though NATS goes away in the middle, and gives no consumer at first
// when it is back.
func TestNATSIsLostWhileTheStoredMeetingsAreRead(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	address := broker(t, nil).Addr().String()
	s := external(settings(t, api), address)
	first := start(t, s)
	first.ready()
	status, _ := first.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	require.NoError(t, first.stop())

	proxy := faultproxy.Start(t, address)
	lost := make(chan struct{})
	gone := sync.OnceFunc(func() { close(lost) })
	var created, delivered atomic.Int32
	proxy.ToClient(func(data []byte) []byte {
		swallowed := false
		if bytes.Contains(data, []byte("consumer_create_response")) {
			swallowed = created.Add(1) == 2
		}
		if bytes.Contains(data, []byte("$JS.ACK.CONFERENCE.")) && (delivered.Add(1) == 1 || swallowed) {
			swallowed = true
			gone()
		}
		if swallowed {
			return nil
		}
		return data
	})
	s = external(s, proxy.Addr())
	s.HTTP.Listen = freeAddress(t)
	r := start(t, s)
	<-lost
	proxy.Cut()
	r.ready()
	assert.NoError(t, r.stop())
}
