#!/usr/bin/env bash
# A stream that is to keep what another stream republishes, when that was published as an atomic batch.
#
# Versions: nats-server 2.15.3 (embedded), nats.go 1.55.0, orbit.go/jetstreamext 0.3.2, Go 1.26.
#
# Guess: a republished message is an ordinary one: a stream on the subjects of the republished copies stores them,
# however the originals were published.
#
# Seen: copies of what was published one by one are stored. Copies of a batch keep its headers and are a batch again: a
# stream that does not allow batches stores none of them, and one that does stores them only if its subjects take every
# message of the batch. Nobody is told: the publisher has its acknowledgement, core subscribers get the copies, the
# stream stays as it was. A copy with a Nats-TTL header is lost the same way where the stream does not allow TTLs. A
# stream that sources the original one gets all.
#   published one by one: 2 of 2 in the copy
#   published as a batch: 0 of 2 in the copy, headers Nats-Batch-Commit Nats-Batch-Id Nats-Batch-Sequence
#   published as a batch, the copy allows batches: 2 of 2 in the copy
#   the same, and it takes one of the batch's two subjects: 0 of 1 in the copy
#   published with a TTL: 0 of 1 in the copy
#   sourced: 9 of 9
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >go.mod <<'MOD'
module finding

go 1.26

require (
	github.com/nats-io/nats-server/v2 v2.15.3
	github.com/nats-io/nats.go v1.55.0
	github.com/synadia-io/orbit.go/jetstreamext v0.3.2
)
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type world struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	live *nats.Subscription // a core subscriber of the copies
}

// copies returns how many messages the stream holds once the live subscriber has had n copies, with the batch headers
// seen on those.
func (w *world) copies(ctx context.Context, stream string, n int) (uint64, string) {
	var headers []string
	for range n {
		msg := must(w.live.NextMsg(5 * time.Second))
		for key := range msg.Header {
			if strings.HasPrefix(key, "Nats-Batch") && !slices.Contains(headers, key) {
				headers = append(headers, key)
			}
		}
	}
	// What the copy's stream was to store came before this request, over the same server.
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		must(w.nc.RequestWithContext(ctx, "$JS.API.INFO", nil))
	}
	slices.Sort(headers)
	return must(must(w.js.Stream(ctx, stream)).Info(ctx)).State.Msgs, strings.Join(headers, " ")
}

func (w *world) batch(ctx context.Context) {
	b := must(jetstreamext.NewBatchPublisher(w.js))
	if err := b.Add("in.b", []byte("1")); err != nil {
		panic(err)
	}
	must(b.Commit(ctx, "in.c", []byte("2")))
}

func main() {
	srv := must(server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: os.Args[1], NoLog: true,
	}))
	srv.Start()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(10 * time.Second) {
		panic("no server")
	}
	nc := must(nats.Connect(srv.ClientURL()))
	defer nc.Close()
	js := must(jetstream.New(nc))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "ORIGINAL", Subjects: []string{"in.>"}, AllowAtomicPublish: true, AllowMsgTTL: true,
		RePublish: &jetstream.RePublish{Source: "in.>", Destination: "out.>"},
	}))
	must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "COPY", Subjects: []string{"out.>"}}))
	w := &world{nc, js, must(nc.SubscribeSync("out.>"))}

	must(js.Publish(ctx, "in.a", []byte("1")))
	must(js.Publish(ctx, "in.a", []byte("2")))
	had, _ := w.copies(ctx, "COPY", 2)
	fmt.Printf("published one by one: %d of 2 in the copy\n", had)

	w.batch(ctx)
	has, headers := w.copies(ctx, "COPY", 2)
	fmt.Printf("published as a batch: %d of 2 in the copy, headers %s\n", has-had, headers)

	must(js.UpdateStream(ctx, jetstream.StreamConfig{Name: "COPY", Subjects: []string{"out.>"}, AllowAtomicPublish: true}))
	had = has
	w.batch(ctx)
	has, _ = w.copies(ctx, "COPY", 2)
	fmt.Printf("published as a batch, the copy allows batches: %d of 2 in the copy\n", has-had)

	must(js.UpdateStream(ctx, jetstream.StreamConfig{
		Name: "COPY", Subjects: []string{"out.a", "out.b", "out.t"}, AllowAtomicPublish: true,
	}))
	had = has
	w.batch(ctx)
	has, _ = w.copies(ctx, "COPY", 2)
	fmt.Printf("the same, and it takes one of the batch's two subjects: %d of 1 in the copy\n", has-had)

	msg := nats.NewMsg("in.t")
	msg.Header.Set("Nats-TTL", "1h")
	must(js.PublishMsg(ctx, msg))
	had = has
	has, _ = w.copies(ctx, "COPY", 1)
	fmt.Printf("published with a TTL: %d of 1 in the copy\n", has-had)

	original := must(must(js.Stream(ctx, "ORIGINAL")).Info(ctx)).State.Msgs
	sourced := must(js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "SOURCED", Sources: []*jetstream.StreamSource{{Name: "ORIGINAL"}},
	}))
	var got uint64
	for got < original && ctx.Err() == nil {
		got = must(sourced.Info(ctx)).State.Msgs
	}
	fmt.Printf("sourced: %d of %d\n", got, original)
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/store" | tee got
cat >want <<'TXT'
published one by one: 2 of 2 in the copy
published as a batch: 0 of 2 in the copy, headers Nats-Batch-Commit Nats-Batch-Id Nats-Batch-Sequence
published as a batch, the copy allows batches: 2 of 2 in the copy
the same, and it takes one of the batch's two subjects: 0 of 1 in the copy
published with a TTL: 0 of 1 in the copy
sourced: 9 of 9
TXT
diff want got || { echo 'this has changed'; exit 1; }
