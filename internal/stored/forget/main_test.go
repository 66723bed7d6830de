package forget

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/publisher"
)

func TestMain(m *testing.M) { leak.Main(m) }

const epoch = int64(1_700_000_000_000)

// place is a server with a publisher.
type place struct {
	t   testing.TB
	dir string
	srv child.Server
	nc  *nats.Conn
	js  jetstream.JetStream
	p   *publisher.Publisher
	key nkeys.KeyPair
}

func open(t testing.TB) *place {
	t.Helper()
	w := &place{t: t, dir: t.TempDir()}
	var err error
	w.key, err = nkeys.CreateUser()
	require.NoError(t, err)
	if binary := natstest.Binary(); binary != "" {
		w.srv = natstest.Start(t, binary, &server.Options{StoreDir: w.dir, SyncAlways: true})
	} else {
		w.srv, err = embedded.Start(t.Context(), embedded.Options{StoreDir: w.dir, Listen: "127.0.0.1:0"})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, w.srv.Close()) })
	}
	w.nc, w.js, w.p = w.connect()
	return w
}

// connect opens a publisher of its own.
func (w *place) connect() (*nats.Conn, jetstream.JetStream, *publisher.Publisher) {
	w.t.Helper()
	nc, err := nats.Connect(w.srv.ClientURL(), nats.ReconnectBufSize(-1))
	require.NoError(w.t, err)
	js, err := jetstream.New(nc)
	require.NoError(w.t, err)
	p, err := publisher.Open(w.t.Context(), nc, publisher.Options{CorpID: "corp", Signer: w.key})
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		assert.NoError(w.t, <-done)
		nc.Close()
	})
	return nc, js, p
}

func (w *place) eraser() *Eraser {
	return &Eraser{Publisher: w.p, JetStream: w.js, Rest: func(context.Context, time.Duration) error { return nil }}
}

// row is somebody who is there.
func row(who, nick string) diff.Row {
	return diff.Row{UnionID: who, UserNick: nick, Status: diff.StatusActive, JoinTime: epoch}
}

// meets stores a meeting that row 0 has created, and that goes on unless it is over.
func (w *place) meets(id string, over bool, rows ...diff.Row) {
	w.t.Helper()
	begin := diff.All{
		diff.Watch{Description: diff.Description{Title: "Weekly", CreatorID: rows[0].UnionID, CreatorNick: rows[0].UserNick, StartTime: epoch}, At: epoch},
		diff.Start{At: epoch},
		diff.Snapshot{Kind: diff.Complete, Rows: rows, From: epoch + 1, At: epoch + 2, Via: events.ViaPoll},
	}
	w.store(id, begin)
	if over {
		w.ends(id, rows...)
	}
}

// ends has a meeting end with everybody in it.
func (w *place) ends(id string, rows ...diff.Row) {
	w.t.Helper()
	w.store(id, diff.All{
		diff.Snapshot{Kind: diff.Complete, Rows: rows, From: epoch + 60_001, At: epoch + 60_002, Via: events.ViaPoll, Over: true, EndTime: epoch + 60_000},
		diff.End{At: epoch + 60_002, Reason: events.EndClosed},
	})
}

func (w *place) store(id string, want diff.Intent) {
	w.t.Helper()
	rec, err := w.p.Load(w.t.Context(), id)
	require.NoError(w.t, err)
	_, _, err = w.p.Update(w.t.Context(), rec, want)
	require.NoError(w.t, err)
}

// stored returns the stored events of a view, and their payloads.
func (w *place) stored(subjects ...string) (out []events.Event, payloads [][]byte) {
	w.t.Helper()
	r, err := reading.Open(w.t.Context(), w.js, reading.Options{Subjects: subjects, Patience: patience})
	require.NoError(w.t, err)
	require.NoError(w.t, r.Run(w.t.Context(), func(m reading.Message) error {
		e, err := events.Decode(m.Data)
		out, payloads = append(out, e), append(payloads, m.Data)
		return err
	}))
	return out, payloads
}

// proven follows the chain of a meeting across its holes, and its seals.
func (w *place) proven(id string) {
	w.t.Helper()
	all, payloads := w.stored(events.OfMeeting(id))
	var holes events.Holes
	for i := range all {
		holes.Add(&all[i])
	}
	var chain events.Chain
	for i := range all {
		var err error
		chain, err = holes.Over(chain, all[i].Previous).Follow(payloads[i], &all[i])
		require.NoError(w.t, err)
		if all[i].Seal() != nil {
			require.NoError(w.t, events.CheckSeal(payloads[i], &all[i]))
		}
	}
	rec, err := w.p.Load(w.t.Context(), id)
	require.NoError(w.t, err)
	assert.Equal(w.t, chain, rec.State.Chain)
}
