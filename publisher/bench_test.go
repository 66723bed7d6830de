package publisher

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
)

// BenchmarkCommit compares, on one server in one run, events committed by many meetings at once
// with the same payloads published asynchronously, without a state, without atomicity, each payload
// once. The figure to look at is the ratio. A server that syncs always does so for every message,
// but once for a batch.
func BenchmarkCommit(b *testing.B) {
	one := func(b *testing.B, url string) {
		b.Helper()
		benchmarkCommit(b, open(b, connect(b, url), Options{Retention: time.Hour}), 1)
	}
	b.Run("sync_always", func(b *testing.B) { one(b, startEmbedded(b, b.TempDir()).ClientURL()) })
	b.Run("sync_later", func(b *testing.B) { one(b, startServer(b, func(*server.Options) {})) })
	b.Run("three_sync_always", func(b *testing.B) {
		servers := cluster(b, func(o *server.Options) { o.StoreDir, o.SyncAlways = b.TempDir(), true })
		benchmarkCommit(b, openInTime(b, connect(b, urls(servers))), 3)
	})
}

func benchmarkCommit(b *testing.B, p *Publisher, replicas int) {
	b.Helper()
	const meetings, people, rounds = 256, 4, 10
	var committing, raw time.Duration
	var events, run int
	for b.Loop() {
		run++
		began := time.Now()
		n := commitRounds(b, p, run, meetings, people, rounds)
		committing += time.Since(began)
		events += n
		raw += publishRaw(b, p.nc, n, replicas)
	}
	b.ReportMetric(float64(events)/committing.Seconds(), "committed-events/s")
	b.ReportMetric(float64(events)/raw.Seconds(), "raw-events/s")
	b.ReportMetric(raw.Seconds()/committing.Seconds(), "committed/raw")
	b.ReportMetric(float64(meetings*rounds*run)/committing.Seconds(), "commits/s")
}

// BenchmarkCommitAlone is one meeting's commits, one after the other: what a push waits for when
// nothing else happens.
func BenchmarkCommitAlone(b *testing.B) {
	alone := func(b *testing.B, p *Publisher) {
		b.Helper()
		r := newRoom("room").join("ann")
		rec := update(b, p, r)
		for i := 0; b.Loop(); i++ {
			var err error
			rec, _, err = p.Update(b.Context(), rec, r.join(fmt.Sprint("person-", i)).compare())
			require.NoError(b, err)
		}
	}
	b.Run("sync_always", func(b *testing.B) {
		alone(b, open(b, connect(b, startEmbedded(b, b.TempDir()).ClientURL()), Options{Retention: time.Hour}))
	})
	b.Run("three_sync_always", func(b *testing.B) {
		servers := cluster(b, func(o *server.Options) { o.StoreDir, o.SyncAlways = b.TempDir(), true })
		alone(b, openInTime(b, connect(b, urls(servers))))
	})
}

// commitRounds lets people come into many meetings, round after round, and returns how many events
// that made.
func commitRounds(b *testing.B, p *Publisher, run, meetings, people, rounds int) int {
	b.Helper()
	for _, err := range each(meetings, func(i int) error {
		r := newRoom(fmt.Sprintf("run-%d-meeting-%d", run, i))
		rec := Record{State: diff.New(r.id)}
		for n := range rounds {
			for k := range people {
				r.join(fmt.Sprintf("person-%d-%d", n, k))
			}
			var err error
			if rec, _, err = p.Update(context.Background(), rec, r.compare()); err != nil {
				return err
			}
		}
		return nil
	}) {
		require.NoError(b, err)
	}
	return meetings * people * rounds
}

// publishRaw publishes n events to a stream without any of ours, as fast as the client can, and
// returns how long it took until all were acknowledged.
func publishRaw(b *testing.B, nc *nats.Conn, n, replicas int) time.Duration {
	b.Helper()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(n))
	require.NoError(b, err)
	_, err = js.CreateOrUpdateStream(b.Context(), jetstream.StreamConfig{Name: "RAW", Subjects: []string{"raw.>"}, Replicas: replicas})
	require.NoError(b, err)
	r := newRoom("room").join("person-0-0")
	payload := sync.OnceValue(func() []byte {
		p := &Publisher{nc: nc, opts: Options{Retention: time.Hour}.withDefaults()}
		res := diff.Compare(diff.New(r.id), r.snapshot())
		j, err := p.build(Record{State: diff.New(r.id)}, diff.Step{Events: res.Events, State: res.State})
		require.NoError(b, err)
		return j.msgs[0].Data
	})()
	began := time.Now()
	for range n {
		_, err := js.PublishAsync("raw.conference.member.joined", payload)
		require.NoError(b, err)
	}
	<-js.PublishAsyncComplete()
	took := time.Since(began)
	require.NoError(b, js.DeleteStream(b.Context(), "RAW"))
	return took
}

// BenchmarkAll reads stored states as at a start, as they are and sealed.
func BenchmarkAll(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "sealed"}[sealed], func(b *testing.B) { benchmarkAll(b, sealed) })
	}
}

func benchmarkAll(b *testing.B, sealed bool) {
	b.Helper()
	const meetings = 20_000
	p := newPlain(b, Options{})
	if sealed {
		believe(b, p, formatChained)
	}
	for _, err := range each(64, func(w int) error {
		for i := w; i < meetings; i += 64 {
			r := newRoom(meetingName(i)).join("ann").join("bob")
			if _, _, err := p.Update(context.Background(), Record{State: diff.New(r.id)}, r.compare()); err != nil {
				return err
			}
		}
		return nil
	}) {
		require.NoError(b, err)
	}
	for b.Loop() {
		n := 0
		for _, err := range p.All(b.Context()) {
			require.NoError(b, err)
			n++
		}
		require.Equal(b, meetings, n)
	}
	b.ReportMetric(float64(meetings*b.N)/b.Elapsed().Seconds(), "states/s")
}
