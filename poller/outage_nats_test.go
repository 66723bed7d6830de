package poller_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/poller"
)

// smallBatches is the URL of a NATS server that takes few events at a time.
func smallBatches(t *testing.T, perBatch int) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		JetStreamLimits: server.JSLimitOpts{MaxBatchSize: 2*perBatch + 1}, // each event twice, and the state
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(time.Minute))
	return s.ClientURL()
}

// storedOf reads a meeting's events from the stream.
func storedOf(t *testing.T, url, id string) (out []events.Event) {
	t.Helper()
	conn, err := nats.Connect(url)
	require.NoError(t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	reader, err := reading.Open(t.Context(), js, reading.Options{Subjects: reading.Subjects(id), Patience: time.Minute})
	require.NoError(t, err)
	require.NoError(t, reader.Run(t.Context(), func(m reading.Message) error {
		e, err := events.Decode(m.Data)
		out = append(out, e)
		return err
	}))
	return out
}

// TestACrowdAfterAnOutageIsStoredWholeByNATS has people join in their hundreds while the list
// cannot be read, pushes going on, with a real server that takes few events at a time, and in real
// time: until a gap is announced.
func TestACrowdAfterAnOutageIsStoredWholeByNATS(t *testing.T) {
	t.Parallel()
	const people = 600
	url := smallBatches(t, 25)
	store, source := openAt(t, url), newSource()
	p, err := poller.New(source, store, poller.Options{MaxInterval: 2 * time.Second})
	require.NoError(t, err)
	p.ShortenGaps(3 * time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	defer func() { cancel(); assert.NoError(t, <-ended) }()
	<-p.Ready()
	until := func(what string, so func(s *diff.State) bool) {
		t.Helper()
		require.Eventually(t, func() bool {
			record, err := store.Load(ctx, "m")
			return err == nil && so(record.State)
		}, time.Minute, 20*time.Millisecond, what)
	}

	source.onList(list())
	_, err = p.Watch(ctx, "m", "")
	require.NoError(t, err)
	until("a first look", func(s *diff.State) bool { return s.LookedAt > 0 })
	source.onList(failList(trouble(poller.Unavailable)))
	source.onInfo(failInfo(trouble(poller.Unavailable)))
	var rows []diff.Row
	for i := range int64(5) {
		who := fmt.Sprint("pushed", i)
		require.NoError(t, p.Notice(ctx, joinPush("m", who, i)))
		rows = append(rows, present(who, i))
	}
	until("a gap", func(s *diff.State) bool { return s.GapFrom > 0 })
	require.NoError(t, p.Notice(ctx, joinPush("m", "late", 31)))
	rows = append(rows, present("late", 31))
	for i := range people {
		rows = append(rows, present(fmt.Sprint("person", i), int64(10+i%20)))
	}
	source.onInfo(newSource().info)
	source.onList(list(rows...))
	require.NoError(t, p.LookNow("m"))
	until("everybody", func(s *diff.State) bool { return s.Active == len(rows) })

	all := storedOf(t, url, "m")
	joinedWhole(t, len(rows), all)
	var gaps []bool
	for _, e := range all {
		if e.Gap != nil {
			gaps = append(gaps, e.Gap.To > 0)
		}
	}
	assert.Equal(t, []bool{false, true}, gaps, "one gap, which began and ended")
}
