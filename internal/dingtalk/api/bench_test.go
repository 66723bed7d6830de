//go:build unix

package api

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// benchMembers is the size of a page that DingTalk gives by default.
const benchMembers = 128

func BenchmarkDecodePage(b *testing.B) {
	body := memberPage(0, benchMembers, "", benchMembers)
	b.Run("walk", func(b *testing.B) {
		var w walk
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			w.reset()
			if err := json.Unmarshal(body, &w, wire.Options); err != nil {
				b.Fatal(err)
			}
			if rows := w.build(); len(rows) != benchMembers {
				b.Fatal(len(rows))
			}
		}
		perMember(b)
	})
	// The plain way, for comparison.
	b.Run("structs", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var page plainPage
			if err := json.Unmarshal(body, &page, wire.Options); err != nil {
				b.Fatal(err)
			}
		}
		perMember(b)
	})
}

func perMember(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchMembers, "ns/member")
}

// BenchmarkUnchangedPoll states the cost of looking at 128 members over TLS as a multiple of a bare
// GET of the same page, in CPU time of this process; the server and its TLS are included on both
// sides.
func BenchmarkUnchangedPoll(b *testing.B) {
	body := memberPage(0, benchMembers, "", benchMembers)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	defer server.Close()
	client, err := New(Options{BaseURL: server.URL, AccessToken: "bench-token", TLS: trust(server)})
	require.NoError(b, err)
	defer client.Close()

	b.ReportAllocs()
	var polls, gets time.Duration
	for b.Loop() {
		start := cpu(b)
		list, err := client.Members(context.Background(), "bench")
		polled := cpu(b)
		if err != nil || len(list.Rows) != benchMembers {
			b.Fatal(err, len(list.Rows))
		}
		bareGet(b, client.transport, server.URL)
		polls += polled - start
		gets += cpu(b) - polled
	}
	b.ReportMetric(float64(polls)/float64(gets), "x-bare-GET")
	b.ReportMetric(float64(gets.Nanoseconds())/float64(b.N), "cpu-ns/bare-GET")
	b.ReportMetric(float64(polls.Nanoseconds())/float64(b.N), "cpu-ns/poll")
}

// cpu is the CPU time this process has used.
func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func bareGet(b *testing.B, transport *http.Transport, address string) {
	resp, err := (&http.Client{Transport: transport}).Get(address)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		b.Fatal(err)
	}
}

// trust is the configuration that verifies a test server.
func trust(server *httptest.Server) *tls.Config {
	return server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
}
