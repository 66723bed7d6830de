#!/usr/bin/env bash
# Message ids (Nats-Msg-Id) whose messages have been purged or deleted from a JetStream stream.
#
# Versions: nats-server 2.15.3 (embedded, file storage), nats.go 1.55.0; Go 1.26.
#
# Guess: a purge forgets the ids with the messages, so that the same id is stored again. If it remembers them, then for
# the whole duplicate window, whatever happens to the server.
#
# Seen: neither. Within the window the same id is acknowledged as a duplicate, with the sequence of a message that is
# nowhere; after a restart of the server, which reads the ids from what is stored, the same id is stored. So whether a
# message comes through depends on whether the server has been restarted since the purge.
#   after a purge: sequence 1, duplicate true, stored 0
#   after a deletion: sequence 2, duplicate true, stored 0
#   after a restart: sequence 3, duplicate false, stored 1
#
# So: an acknowledgement with duplicate = true does not say that the message is there.
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

func start() (*server.Server, *nats.Conn, jetstream.JetStream) {
	srv := must(server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: os.Args[1], NoLog: true,
	}))
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		panic("no server")
	}
	nc := must(nats.Connect(srv.ClientURL()))
	return srv, nc, must(jetstream.New(nc))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	srv, nc, js := start()
	s := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Duplicates: time.Hour}))
	publish := func(when, id string) {
		ack := must(js.Publish(ctx, "s", nil, jetstream.WithMsgID(id)))
		if when != "" {
			fmt.Printf("%s: sequence %d, duplicate %v, stored %d\n", when, ack.Sequence, ack.Duplicate, must(s.Info(ctx)).State.Msgs)
		}
	}
	publish("", "a")
	if err := s.Purge(ctx); err != nil {
		panic(err)
	}
	publish("after a purge", "a")
	publish("", "b")
	if err := s.DeleteMsg(ctx, 2); err != nil {
		panic(err)
	}
	publish("after a deletion", "b")
	nc.Close()
	srv.Shutdown()
	srv.WaitForShutdown()

	srv, nc, js = start()
	s = must(js.Stream(ctx, "S"))
	publish("after a restart", "a")
	nc.Close()
	srv.Shutdown()
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/store" | tee got
cat >want <<'TXT'
after a purge: sequence 1, duplicate true, stored 0
after a deletion: sequence 2, duplicate true, stored 0
after a restart: sequence 3, duplicate false, stored 1
TXT
diff want got || { echo 'this has changed'; exit 1; }
