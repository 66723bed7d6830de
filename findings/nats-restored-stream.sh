#!/usr/bin/env bash
# A stream restored from its own snapshot ($JS.API.STREAM.SNAPSHOT, $JS.API.STREAM.RESTORE).
#
# Versions: nats-server 2.15.3 (embedded, file storage), nats.go 1.55.0; Go 1.26.
#
# Guess: the answer to the snapshot request, which holds config and state as the restore request wants them, can be sent
# back as it is: servers ignore JSON fields they do not know. And what comes back is the same stream: its time of creation
# comes with its configuration and its sequences.
#
# Seen: the request is refused for the answer's own field "type", which the server itself wrote there; without it, it is
# taken. Messages, sequences and configuration come back, but the stream says that it was created just now.
#   restore with the whole answer: map[code:400 description:invalid JSON: json: unknown field "type" err_code:10025]
#   restore without its type: error <nil>
#   1 message; created as before: false
#
# So: the time of creation does not tell a stream that was made anew, and empty, from one that was restored: look at its
# sequences, too.
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

func restore(nc *nats.Conn, answer map[string]any, chunks [][]byte) map[string]any {
	begun := ask(nc, "STREAM.RESTORE.S", answer)
	if begun["error"] != nil {
		return begun
	}
	to := begun["deliver_subject"].(string)
	for _, c := range chunks {
		must(nc.Request(to, c, 10*time.Second))
	}
	var done map[string]any
	if err := json.Unmarshal(must(nc.Request(to, nil, 10*time.Second)).Data, &done); err != nil {
		panic(err)
	}
	return done
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
	stream := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}))
	must(js.Publish(ctx, "s", []byte("one")))
	created := must(stream.Info(ctx)).Created

	answer, chunks := backup(nc)
	if err := js.DeleteStream(ctx, "S"); err != nil {
		panic(err)
	}
	fmt.Printf("restore with the whole answer: %v\n", restore(nc, answer, chunks)["error"])
	delete(answer, "type")
	done := restore(nc, answer, chunks)
	fmt.Printf("restore without its type: error %v\n", done["error"])
	info := must(must(js.Stream(ctx, "S")).Info(ctx))
	fmt.Printf("%d message; created as before: %v\n", info.State.Msgs, info.Created.Equal(created))
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/data" | tee got
cat >want <<'TXT'
restore with the whole answer: map[code:400 description:invalid JSON: json: unknown field "type" err_code:10025]
restore without its type: error <nil>
1 message; created as before: false
TXT
diff want got || { echo 'this has changed'; exit 1; }
