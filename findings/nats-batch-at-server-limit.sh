#!/usr/bin/env bash
# An atomic batch that does not fit into what is left of a server's JetStream storage limit (max_file, max_file_store).
#
# Versions: nats-server 2.15.3 (embedded, one replica, file storage), nats.go 1.55.0, orbit.go/jetstreamext 0.3.2; Go 1.26.
#
# Guess: a batch is all or nothing, as at the limits of a stream (max_msgs, max_bytes), where the whole of it is refused with
# 10077 and nothing is stored.
#
# Seen: at the server's limit a part of the batch stays in the stream. How large it is depends on the room that was left; the
# commit is refused with 10023, or gets no answer at all.
#   max_msgs of the stream: answer 10077, 10 messages: 2 whole batches of 5 and 0 more
#   20000 bytes for the server: answer 10023, 25 messages: 5 whole batches of 5 and 0 more
#   21500 bytes for the server: no answer, 27 messages: 5 whole batches of 5 and 2 more
#   23250 bytes for the server: answer 10023, 29 messages: 5 whole batches of 5 and 4 more
#
# So: a refusal with 10023 does not say that nothing is stored. Give a server more room than its streams may fill, and bound
# the stream instead.
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
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const size = 5 // messages a batch

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fill stores batches until one is not acknowledged, and says how the stream is left.
func fill(name string, storeLimit int64, config jetstream.StreamConfig) {
	srv := must(server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: filepath.Join(os.Args[1], name), NoLog: true,
		JetStreamMaxStore: storeLimit,
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
	config.Name, config.Subjects, config.AllowAtomicPublish, config.Discard = "S", []string{"s"}, true, jetstream.DiscardNew
	stream := must(js.CreateStream(ctx, config))

	payload := make([]byte, 700)
	batch := func() error {
		bounded, stop := context.WithTimeout(ctx, 3*time.Second)
		defer stop()
		b := must(jetstreamext.NewBatchPublisher(js))
		for range size - 1 {
			if err := b.Add("s", payload); err != nil {
				return err
			}
		}
		_, err := b.Commit(bounded, "s", payload)
		return err
	}
	whole, err := 0, error(nil)
	for ; err == nil && whole < 100; whole++ {
		err = batch()
	}
	whole--
	answer := "no answer"
	var refused *jetstream.APIError
	if errors.As(err, &refused) {
		answer = fmt.Sprint("answer ", refused.ErrorCode)
	}
	stored := int(must(stream.Info(ctx)).State.Msgs)
	fmt.Printf("%s: %s, %d messages: %d whole batches of %d and %d more\n", name, answer, stored, whole, size, stored-whole*size)
}

func main() {
	fill("max_msgs of the stream", 1<<30, jetstream.StreamConfig{MaxMsgs: 12})
	for _, limit := range []int64{20_000, 21_500, 23_250} {
		fill(fmt.Sprint(limit, " bytes for the server"), limit, jetstream.StreamConfig{})
	}
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir" | tee got
cat >want <<'TXT'
max_msgs of the stream: answer 10077, 10 messages: 2 whole batches of 5 and 0 more
20000 bytes for the server: answer 10023, 25 messages: 5 whole batches of 5 and 0 more
21500 bytes for the server: no answer, 27 messages: 5 whole batches of 5 and 2 more
23250 bytes for the server: answer 10023, 29 messages: 5 whole batches of 5 and 4 more
TXT
diff want got || { echo 'this has changed'; exit 1; }
