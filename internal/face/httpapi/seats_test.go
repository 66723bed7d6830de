package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/stored/feed"
)

func TestSeatsAreEachTokens(t *testing.T) {
	s := newSeats(Limits{Connections: 8, Readers: 4})
	for range 4 {
		assert.True(t, s.take("token a"))
	}
	assert.False(t, s.take("token a"))
	assert.True(t, s.take("token b"))
	assert.True(t, s.take("token b"))
	assert.False(t, s.take("token b"), "six of eight connections are taken")
	s.leave("token a")
	assert.True(t, s.take("token b"))
	for range 3 {
		s.leave("token a")
		s.leave("token b")
	}
	assert.Empty(t, s.taken)
	assert.Zero(t, s.all)
}

// A carriage return ends a line of server-sent events as a line feed does, so that what follows one
// must not pass for a field of its own.
func TestLinesWithinAnEvent(t *testing.T) {
	for payload, want := range map[string]string{
		"{}":                        "data: {}\n",
		"{\n\"a\": 1\n}\n":          "data: {\ndata: \"a\": 1\ndata: }\n",
		"{\rid: 9-9-9\r\nevent: x}": "data: {\ndata: id: 9-9-9\ndata: event: x}\n",
	} {
		var s sse
		s.add(feed.Placed{Event: feed.Event{Payload: []byte(payload)}})
		assert.Equal(t, "id: "+feed.ID{}.String()+"\n"+want+"\n", s.buffer.String())
	}
}

// A reader who has logged out, or whose token was taken away, hears no more.
func TestReadersWhoMayReadNoMore(t *testing.T) {
	doors := withToken(t, apiToken)
	tape := &tape{changed: make(chan struct{})}
	f := feed.New(feed.Options{Stream: tape})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	server := httptest.NewServer(Handler(Options{Meetings: table(), Events: f, Access: doors, patience: patience{allowed: time.Millisecond}}))
	defer func() {
		server.Close()
		cancel()
		assert.NoError(t, <-ended)
		http.DefaultClient.CloseIdleConnections()
	}()
	name, err := doors.Sessions.BeginWithToken(t.Context(), apiToken)
	require.NoError(t, err)
	var resp *http.Response
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/events", nil)
		require.NoError(t, err)
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: name})
		resp, err = http.DefaultClient.Do(req)
		require.NoError(t, err)
		if resp.StatusCode != http.StatusOK {
			_ = resp.Body.Close()
		}
		return resp.StatusCode == http.StatusOK
	}, waiting, time.Millisecond)
	require.NoError(t, doors.Sessions.End(t.Context(), name))
	bodyOf(t, resp) // it has an end
	assert.NoError(t, resp.Body.Close())
}
