#!/usr/bin/env bash
# An ordered consumer whose stream is deleted and made again under the same name.
#
# Versions: nats.go 1.55.0 and npm @nats-io/jetstream 3.4.0 with nats-server 2.15.3 (embedded); Go 1.26, Node.js 20.
#
# Guess: an ordered consumer, which is made anew by its client whenever it is lost, notices that the stream is another
# one (its creation time, or an end before the place it had reached) and starts over, or fails.
#
# Seen: both clients go on where they were in the old stream. Ten messages had been read; of thirteen in the new stream
# the first ten are never delivered, without an error that says so: nats.go reports "consumer deleted" once, the
# JavaScript client "ordered_consumer_recreated".
#   nats.go: read 10, stream made again with 13, next read: sequence 11
#   @nats-io/jetstream: read 10, stream made again with 13, next read: sequence 11
#
# So: who must not lose anything compares the stream's creation time, or its last sequence with the own position.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @nats-io/transport-node@3.4.0 @nats-io/jetstream@3.4.0
cat >read.mjs <<'JS'
import { connect } from '@nats-io/transport-node'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'

const nc = await connect({ servers: process.argv[2] })
const js = jetstream(nc), streams = (await jetstreamManager(nc)).streams
const config = { name: 'JS', subjects: ['js'] }
const fill = async n => { for (let i = 0; i < n; i++) await js.publish('js', '') }
await streams.add(config)
await fill(10)
const consumer = await js.consumers.get('JS')
const messages = await consumer.consume({ expires: 2000, idle_heartbeat: 500 })
let read = 0
for await (const m of messages) {
  if (read < 10) {
    if (++read < 10) continue
    await streams.delete('JS')
    await streams.add(config)
    await fill(13)
    continue
  }
  console.log(`@nats-io/jetstream: read 10, stream made again with 13, next read: sequence ${m.seq}`)
  process.exit(0)
}
JS
cat >go.mod <<'MOD'
module finding

go 1.26

require (
	github.com/nats-io/nats-server/v2 v2.15.3
	github.com/nats-io/nats.go v1.55.0
)
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
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

	config := jetstream.StreamConfig{Name: "GO", Subjects: []string{"go"}}
	fill := func(n int) {
		for range n {
			must(js.Publish(ctx, "go", nil))
		}
	}
	must(js.CreateStream(ctx, config))
	fill(10)
	read := make(chan uint64, 100)
	consumer := must(js.OrderedConsumer(ctx, "GO", jetstream.OrderedConsumerConfig{}))
	reading := must(consumer.Consume(func(m jetstream.Msg) {
		read <- must(m.Metadata()).Sequence.Stream
	}, jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(500*time.Millisecond)))
	defer reading.Stop()
	for range 10 {
		<-read
	}
	if err := js.DeleteStream(ctx, "GO"); err != nil {
		panic(err)
	}
	must(js.CreateStream(ctx, config))
	fill(13)
	select {
	case seq := <-read:
		fmt.Printf("nats.go: read 10, stream made again with 13, next read: sequence %d\n", seq)
	case <-ctx.Done():
		fmt.Println("nats.go: read 10, stream made again with 13, no further message")
	}

	js2 := exec.CommandContext(ctx, "node", "read.mjs", srv.ClientURL())
	js2.Stdout, js2.Stderr = os.Stdout, os.Stderr
	if err := js2.Run(); err != nil {
		fmt.Println("@nats-io/jetstream:", err)
	}
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/store" | tee got
cat >want <<'TXT'
nats.go: read 10, stream made again with 13, next read: sequence 11
@nats-io/jetstream: read 10, stream made again with 13, next read: sequence 11
TXT
diff want got || { echo 'this has changed'; exit 1; }
