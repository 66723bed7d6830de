package live_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/embeddednats"
	"github.com/c4342123/rollcall/internal/natsconn"
	"github.com/c4342123/rollcall/internal/testleak"
	"github.com/c4342123/rollcall/publisher"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// broker is a NATS server that can be stopped and started again, on the same port and store.
type broker struct {
	t      *testing.T
	dir    string
	listen string
	server *embeddednats.Server
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir(), listen: "127.0.0.1:0"}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start() {
	b.t.Helper()
	var err error
	b.server, err = embeddednats.Start(b.t.Context(), embeddednats.Options{StoreDir: b.dir, Listen: b.listen})
	require.NoError(b.t, err)
	u, err := url.Parse(b.server.ClientURL())
	require.NoError(b.t, err)
	b.listen = u.Host
}

func (b *broker) stop() { assert.NoError(b.t, b.server.Close()) }

// client connects as the program does.
func (b *broker) client() *nats.Conn { return connect(b.t, b.listen) }

func connect(t *testing.T, address string) *nats.Conn {
	t.Helper()
	nc, err := natsconn.Connect(t.Context(), config.NATS{}, natsconn.Options{Embedded: config.Address(address)})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// recorder stores events as the service does.
type recorder struct {
	t    *testing.T
	next int
	at   int64
	pub  *publisher.Publisher
	nc   *nats.Conn
	stop func()
}

// newRecorder talks to the server in its process: it is never the one that is interrupted.
func newRecorder(t *testing.T, b *broker) *recorder {
	t.Helper()
	nc, err := natsconn.Connect(t.Context(), config.NATS{}, natsconn.Options{Extra: b.server.InProcess()})
	require.NoError(t, err)
	pub, err := publisher.Open(t.Context(), nc, publisher.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pub.Run(ctx) }()
	r := &recorder{t: t, at: 1_700_000_000_000, pub: pub, nc: nc}
	r.stop = func() {
		if cancel != nil {
			cancel()
			cancel = nil
			assert.NoError(t, <-ended)
			nc.Close()
		}
	}
	t.Cleanup(r.stop)
	return r
}

// join stores that somebody joins a meeting, and returns the name.
func (r *recorder) join(meeting string) string {
	r.t.Helper()
	r.next++
	r.at += 10_000
	base, err := r.pub.Load(r.t.Context(), meeting)
	require.NoError(r.t, err)
	var rows []diff.Row
	for p := range base.State.People() {
		rows = append(rows, diff.Row{UnionID: p.UnionID, UserNick: p.UserNick, Status: diff.StatusActive, JoinTime: p.JoinTime})
	}
	name := fmt.Sprintf("p%d", r.next)
	rows = append(rows, diff.Row{UnionID: name, UserNick: name, Status: diff.StatusActive, JoinTime: r.at})
	_, _, err = r.pub.Update(r.t.Context(), base, func(s *diff.State) diff.Result {
		return diff.Compare(s, diff.Snapshot{Rows: rows, From: r.at + 1000, At: r.at + 1000, Via: events.ViaPoll})
	})
	require.NoError(r.t, err)
	return name
}
