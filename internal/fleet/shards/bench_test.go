package shards

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/nats/embedded"
)

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIdle is what it costs that replicas exist, with the product's own server in the process
// and on a disk: per second, all of them and the server together, the processor time as a share of
// one core and what the server stores.
func BenchmarkIdle(b *testing.B) {
	for _, n := range []int{0, 1, 3, 10} {
		b.Run(fmt.Sprintf("replicas=%d", n), func(b *testing.B) {
			s, err := embedded.Start(b.Context(), embedded.Options{StoreDir: b.TempDir(), Listen: "127.0.0.1:0"})
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, s.Close()) })
			conn := connect(b, s.ClientURL())
			_, err = Open(b.Context(), conn, Options{})
			require.NoError(b, err)
			var replicas []*replica
			for i := range n {
				replicas = append(replicas, start(b, s.ClientURL(), Options{Name: fmt.Sprint("replica", i)}))
			}
			if n > 0 {
				eventually(b, shared(replicas...), "%d share", n)
			}
			js, err := jetstream.New(conn)
			require.NoError(b, err)
			stored := func() uint64 {
				st, err := js.Stream(b.Context(), streamName)
				require.NoError(b, err)
				return st.CachedInfo().State.LastSeq
			}
			used, revision, began := cpu(b), stored(), time.Now()
			for b.Loop() {
				pause.For(b.Context(), time.Second)
			}
			seconds := time.Since(began).Seconds()
			b.ReportMetric((cpu(b)-used).Seconds()/seconds*100, "%core")
			b.ReportMetric(float64(stored()-revision)/seconds, "writes/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkOwns is what a poller pays for asking before each look.
func BenchmarkOwns(b *testing.B) {
	a := start(b, startServer(b), Options{TTL: forever})
	eventually(b, hasAll(a), "all shards")
	for b.Loop() {
		if !a.Owns(7) {
			b.Fatal("lost")
		}
	}
}

// BenchmarkTakeOver is how long the shards of a replica that stops, or dies, are nobody's.
func BenchmarkTakeOver(b *testing.B) {
	for name, end := range map[string]func(*replica){
		"stopped": func(r *replica) { r.cancel() },
		"killed":  func(r *replica) { r.conn.Close() },
	} {
		b.Run(name, func(b *testing.B) {
			url := startServer(b)
			a := start(b, url, Options{Name: "a"})
			var total time.Duration
			for b.Loop() {
				r := start(b, url, Options{Name: "b"})
				eventually(b, shared(a, r), "two share")
				began := time.Now()
				end(r)
				for a.Mine() != Every {
					<-a.Changed()
				}
				total += time.Since(began)
				r.stop()
			}
			b.ReportMetric(total.Seconds()/float64(b.N), "s/take-over")
			b.ReportMetric(0, "ns/op")
		})
	}
}
