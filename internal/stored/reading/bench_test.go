package reading_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/publisher"
)

var (
	benchEvents = flag.Int("events", 1_000_000, "how many events the benchmarks have stored")
	benchStore  = flag.String("store", "", "directory to keep the benchmarks' events in; they are made anew without it")
)

// The events are those of meetings with so many events each, of which so many go on at a time.
const perMeeting, atATime = 100, 100

// filled is a server, of another process's kind as it is reached over TCP, with many events.
func filled(b *testing.B) *nats.Conn {
	b.Helper()
	dir := *benchStore
	if dir == "" {
		dir = b.TempDir()
	}
	server, err := embedded.Start(b.Context(), embedded.Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, server.Close()) })
	nc, err := nats.Connect(server.ClientURL(), nats.ReconnectBufSize(-1))
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	if _, err := os.Stat(filepath.Join(dir, "filled")); err != nil {
		fill(b, nc)
		require.NoError(b, os.WriteFile(filepath.Join(dir, "filled"), nil, 0o600))
	}
	return nc
}

// batchSize is how many messages the server takes in one batch.
const batchSize = 1000

// fill stores events as the publisher does: by type and by meeting, in batches, as the server syncs
// each to disk.
func fill(b *testing.B, nc *nats.Conn) {
	b.Helper()
	_, err := publisher.Open(b.Context(), nc, publisher.Options{})
	require.NoError(b, err)
	began := time.Now()
	sent := 0
	for i := range *benchEvents {
		meeting := i/(perMeeting*atATime)*atATime + i%atATime
		e := benchEvent(fmt.Sprintf("meeting%05d", meeting), i/atATime%perMeeting, began.Add(time.Duration(i)*time.Millisecond))
		payload, err := events.Encode(e)
		require.NoError(b, err)
		for _, subject := range []string{string(e.Type), events.ByMeeting(e.ConferenceID(), e.Type)} {
			msg := nats.NewMsg("rollcall.in." + subject)
			msg.Data = payload
			msg.Header.Set("Content-Type", events.ContentType)
			msg.Header.Set("Conference-Id", e.ConferenceID())
			msg.Header.Set("Union-Id", e.Member.UnionID)
			msg.Header.Set(nats.MsgTTLHdr, "2592000s")
			msg.Header.Set("Nats-Batch-Id", strconv.Itoa(sent/batchSize))
			msg.Header.Set("Nats-Batch-Sequence", strconv.Itoa(sent%batchSize+1))
			if sent++; sent%batchSize != 0 {
				require.NoError(b, nc.PublishMsg(msg))
				continue
			}
			msg.Header.Set("Nats-Batch-Commit", "1")
			reply, err := nc.RequestMsg(msg, 10*time.Second)
			require.NoError(b, err)
			require.NotContains(b, string(reply.Data), "error")
		}
	}
	require.Zero(b, sent%batchSize, "the last batch is not whole")
	b.Logf("stored %d events in %v", *benchEvents, time.Since(began))
}

func benchEvent(meeting string, n int, at time.Time) events.Event {
	person := fmt.Sprintf("union%03dXyzAbcDefGhi", n/2)
	m := &events.Member{
		ConferenceID: meeting, UnionID: person, UserNick: "Jonas Becker", JoinTime: at.UnixMilli(), AttendStatus: 3,
		Reason: events.ReasonJoined, Via: events.ViaPoll, ObservedAfter: at.UnixMilli(), ObservedBefore: at.UnixMilli(), ActiveCount: 1, Visit: 1,
	}
	kind := events.Joined
	if n%2 == 1 {
		kind, m.Reason, m.AttendStatus, m.LeaveTime, m.Duration, m.ActiveCount = events.Left, events.ReasonLeft, 6, at.UnixMilli()+1000, 1000, 0
	}
	return events.Event{
		ID: events.MemberID(meeting, person, m.JoinTime, kind), Source: events.Source("", meeting), Type: kind, Subject: person,
		Time: at, RecordedTime: at, Sequence: uint64(n + 1), Member: m,
	}
}

// BenchmarkAll reads every event, and says how that compares with the plainest consumer there is.
func BenchmarkAll(b *testing.B) {
	nc := filled(b)
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	for name, subjects := range map[string][]string{
		"one filter": {reading.AllEvents}, "two filters": {events.AllMembers, events.AllMeetings},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				n := 0
				r, err := reading.Open(b.Context(), js, reading.Options{Subjects: subjects})
				require.NoError(b, err)
				require.NoError(b, r.Run(b.Context(), func(reading.Message) error { n++; return nil }))
				require.Equal(b, *benchEvents, n)
			}
			b.ReportMetric(float64(*benchEvents*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
	b.Run("plain consumer", func(b *testing.B) {
		for b.Loop() {
			plain(b, js, events.AllMembers, *benchEvents)
		}
		b.ReportMetric(float64(*benchEvents*b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// plain reads with the client library's own consumer.
func plain(b *testing.B, js jetstream.JetStream, filter string, want int) {
	b.Helper()
	consumer, err := js.OrderedConsumer(b.Context(), events.Stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	require.NoError(b, err)
	all := make(chan struct{})
	n := 0
	consuming, err := consumer.Consume(func(jetstream.Msg) {
		if n++; n == want {
			close(all)
		}
	})
	require.NoError(b, err)
	<-all
	consuming.Stop()
}

// oneOfMany is a meeting in the middle.
func oneOfMany() string { return fmt.Sprintf("meeting%05d", *benchEvents/perMeeting/2) }

// BenchmarkMeeting reads one meeting among many.
func BenchmarkMeeting(b *testing.B) {
	nc := filled(b)
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	b.Run("reader", func(b *testing.B) {
		for b.Loop() {
			n := 0
			r, err := reading.Open(context.Background(), js, reading.Options{Subjects: reading.Subjects(oneOfMany())})
			require.NoError(b, err)
			require.NoError(b, r.Run(b.Context(), func(reading.Message) error { n++; return nil }))
			require.Equal(b, perMeeting, n)
		}
	})
	b.Run("plain consumer", func(b *testing.B) {
		for b.Loop() {
			plain(b, js, events.OfMeeting(oneOfMany()), perMeeting)
		}
	})
}
