#!/usr/bin/env bash
# A stream that is asked about while it is restored from a snapshot ($JS.API.STREAM.RESTORE).
#
# Versions: nats-server 2.15.3 (embedded, file storage), nats.go 1.55.0; Go 1.26.
#
# Guess: the stream appears when its restore is through, as a whole; until then it is not found, as a deleted one.
#
# Seen: it appears while the chunks still come. Information and consumers show as many messages as have come so far, and
# nothing says that more will follow.
#   deleted: nats: API error: code=404 err_code=10059 description=stream not found
#   half of the chunks sent: the stream is there; whole: false, empty: false
#   all sent: the stream is there; whole: true, empty: false
#
# So: the end of a stream that was just restored is not its end. A reader that goes on there reads the rest of the backup as
# if it were new.
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
)
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
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

// ask makes a request of the JetStream API and returns the answer's fields.
func ask(nc *nats.Conn, subject string, body any) map[string]any {
	msg := must(nc.Request("$JS.API."+subject, must(json.Marshal(body)), 10*time.Second))
	var answer map[string]any
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		panic(err)
	}
	return answer
}

// backup asks for a snapshot of the stream and returns the answer and the chunks.
func backup(nc *nats.Conn) (answer map[string]any, chunks [][]byte) {
	deliver := nats.NewInbox()
	sub := must(nc.SubscribeSync(deliver))
	answer = ask(nc, "STREAM.SNAPSHOT.S", map[string]any{"deliver_subject": deliver})
	for {
		msg := must(sub.NextMsg(10 * time.Second))
		if len(msg.Data) == 0 {
			return answer, chunks
		}
		chunks = append(chunks, msg.Data)
		if msg.Reply != "" {
			if err := msg.Respond(nil); err != nil {
				panic(err)
			}
		}
	}
}

// show says what the server tells of the stream.
func show(when string, js jetstream.JetStream) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stream, err := js.Stream(ctx, "S")
	if err != nil {
		fmt.Printf("%s: %v\n", when, err)
		return
	}
	state := must(stream.Info(ctx)).State
	fmt.Printf("%s: the stream is there; whole: %v, empty: %v\n", when, state.Msgs == total, state.Msgs == 0)
}

const total = 400 // messages

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
	must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}))
	random := rand.New(rand.NewPCG(1, 1)) // what does not shrink
	payload := make([]byte, 20_000)
	for range total {
		for i := range payload {
			payload[i] = byte(random.Uint32())
		}
		must(js.Publish(ctx, "s", payload))
	}
	answer, chunks := backup(nc)
	delete(answer, "type")
	if err := js.DeleteStream(ctx, "S"); err != nil {
		panic(err)
	}
	show("deleted", js)
	to := ask(nc, "STREAM.RESTORE.S", answer)["deliver_subject"].(string)
	for i, c := range chunks {
		if i == len(chunks)/2 {
			show("half of the chunks sent", js)
		}
		must(nc.Request(to, c, 10*time.Second))
	}
	must(nc.Request(to, nil, 10*time.Second))
	show("all sent", js)
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/data" | tee got
cat >want <<'TXT'
deleted: nats: API error: code=404 err_code=10059 description=stream not found
half of the chunks sent: the stream is there; whole: false, empty: false
all sent: the stream is there; whole: true, empty: false
TXT
diff want got || { echo 'this has changed'; exit 1; }
