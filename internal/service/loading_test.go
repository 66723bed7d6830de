package service

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/faultproxy"
)

// The stored meetings are read though NATS goes away in the middle, and gives no consumer at first when it is back.
func TestNATSIsLostWhileTheStoredMeetingsAreRead(t *testing.T) {
	_, api := simulate(t, office)
	address := broker(t, nil).Addr().String()
	s := external(settings(t, api), address)
	first := start(t, s)
	first.ready()
	status, _ := first.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	require.NoError(t, first.stop())

	proxy, err := faultproxy.Start(address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, proxy.Close()) })
	lost := make(chan struct{})
	var created, delivered atomic.Int32
	proxy.ToClient(func(data []byte) []byte {
		switch {
		case bytes.Contains(data, []byte("consumer_create_response")):
			if created.Add(1) == 2 {
				return nil
			}
		case bytes.Contains(data, []byte("$JS.ACK.CONFERENCE.")):
			if delivered.Add(1) == 1 {
				close(lost)
				return nil
			}
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
