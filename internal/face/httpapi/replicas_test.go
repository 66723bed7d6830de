package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/stored/feed"
	"github.com/c4342123/rollcall/publisher"
)

// cluster is replicas on one stream in NATS, behind one address that sends requests to one after
// the other.
type cluster struct {
	t        *testing.T
	js       jetstream.JetStream
	pub      *publisher.Publisher
	replicas []*url.URL
	address  string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	srv, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	nc, err := nats.Connect(srv.ClientURL(), nats.ReconnectBufSize(-1))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	c := &cluster{t: t}
	c.js, err = jetstream.New(nc)
	require.NoError(t, err)
	c.pub, err = publisher.Open(t.Context(), nc, publisher.Options{CorpID: "corp", Replicas: 1})
	require.NoError(t, err)
	c.runs(c.pub.Run)
	var turn atomic.Uint64
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(c.replicas[turn.Add(1)%uint64(len(c.replicas))]) },
	})
	t.Cleanup(proxy.Close)
	c.address = proxy.URL
	return c
}

// runs runs something until the test ends.
func (c *cluster) runs(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	c.t.Cleanup(func() {
		cancel()
		assert.NoError(c.t, <-ended)
	})
}

// grows starts another replica, which has seen no event yet.
func (c *cluster) grows() {
	c.t.Helper()
	f := feed.New(feed.Options{Stream: feed.Stored(c.js, nil)})
	c.runs(f.Run)
	server := httptest.NewServer(Handler(Options{Events: f, Access: withToken(c.t, "secret")}))
	c.t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	require.NoError(c.t, err)
	c.replicas = append(c.replicas, at)
	require.Eventually(c.t, func() bool {
		r, err := f.Subscribe(feed.Filter{})
		if err == nil {
			r.Close()
		}
		return err == nil
	}, waiting, waiting/1000)
}

// joins lets the n-th person join.
func (c *cluster) joins(n int) {
	c.t.Helper()
	base, err := c.pub.Load(c.t.Context(), "weekly")
	require.NoError(c.t, err)
	at := joined + int64(n)*1000
	_, _, err = c.pub.Update(c.t.Context(), base, diff.Snapshot{
		Kind: diff.Partial, From: at, At: at, Via: events.ViaPush,
		Rows: []diff.Row{{UnionID: fmt.Sprint("u", n), Status: diff.StatusActive, JoinTime: at}},
	})
	require.NoError(c.t, err)
}

// hears reads server-sent events after an id until it has so many, and is cut off then. With none
// it is cut off after the position. It returns the last id.
func (c *cluster) hears(after string, n int, query string) (last string, sequences []uint64) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), waiting)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"/v1/events?"+query, nil)
	require.NoError(c.t, err)
	req.Header.Set("Authorization", "Bearer secret")
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	require.Equal(c.t, http.StatusOK, resp.StatusCode)
	lines := bufio.NewScanner(resp.Body)
	id := ""
	for lines.Scan() {
		if given, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = given
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "{}" {
			e, err := events.Decode([]byte(data))
			require.NoError(c.t, err)
			sequences = append(sequences, e.Sequence)
		}
		if lines.Text() == "" {
			if last = id; len(sequences) >= n {
				break
			}
		}
	}
	require.Len(c.t, sequences, n, "%v", lines.Err())
	return last, sequences
}

// A reader that is sent from one replica to the other and back, cut off at any event or before the
// first, hears of each once.
func TestGoingOnAtAnotherReplica(t *testing.T) {
	for _, query := range []string{"", "meeting=weekly", "type=joined", "meeting=weekly&type=joined,left"} {
		t.Run(query, func(t *testing.T) {
			c := newCluster(t)
			c.grows()
			for n := range 20 {
				c.joins(n)
			}
			c.grows()
			var heard, want []uint64
			last := ""
			for n := range 8 {
				for range 2 { // nothing has happened since, whichever replica is asked
					var none []uint64
					last, none = c.hears(last, 0, query)
					assert.Empty(t, none)
				}
				for i := range n % 3 {
					c.joins(100 + 3*n + i)
					want = append(want, uint64(21+len(want)))
				}
				var some []uint64
				last, some = c.hears(last, n%3, query)
				heard = append(heard, some...)
			}
			assert.Equal(t, want, heard)

			_, all := c.hears("99999", 20+len(want), query)
			assert.EqualValues(t, 1, all[0], "beyond the end: of another stream, so everything is new")
			http.DefaultClient.CloseIdleConnections()
		})
	}
}
