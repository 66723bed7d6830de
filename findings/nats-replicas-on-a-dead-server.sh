#!/usr/bin/env bash
# A new stream of three replicas on a cluster of three servers, one of which is down.
#
# Versions: nats-server 2.15.3 (three embedded in one process, clustered, file storage), nats.go 1.55.0; Go 1.26.
#
# Guess: refused with 10005 (no suitable peers for placement), as only two servers can take a copy; a new stream is placed on
# servers that are there.
#
# Seen: the stream is accepted at once, placed on the server that is down, and stores. From its first message on it has two
# copies, and no third until that server comes back.
#   accepted with 3 replicas, 1 message stored
#   a replica is on the server that is down: offline true, current false
#
# So: that a stream of three replicas could be made does not say that there are three copies: ask for its replicas, and
# alert on one that is offline.
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
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
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

func start(i int, routes []*url.URL) *server.Server {
	srv := must(server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, NoLog: true,
		StoreDir: filepath.Join(os.Args[1], fmt.Sprint(i)), ServerName: fmt.Sprint("n", i),
		Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: 24800 + i}, Routes: routes,
	}))
	srv.Start()
	return srv
}

func main() {
	var routes []*url.URL
	for i := range 3 {
		routes = append(routes, must(url.Parse(fmt.Sprint("nats-route://127.0.0.1:", 24800+i))))
	}
	var all []*server.Server
	for i := range 3 {
		all = append(all, start(i, routes))
	}
	nc := must(nats.Connect(all[0].ClientURL()))
	js := must(jetstream.New(nc))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	create := func(name string) error {
		c, stop := context.WithTimeout(ctx, 10*time.Second)
		defer stop()
		_, err := js.CreateStream(c, jetstream.StreamConfig{Name: name, Subjects: []string{name}, Replicas: 3})
		return err
	}
	for create("A") != nil {
		time.Sleep(200 * time.Millisecond)
	}
	all[2].Shutdown()
	all[2].WaitForShutdown()
	for err := create("B"); err != nil; err = create("B") { // while the others elect a leader
		var refused *jetstream.APIError
		if errors.As(err, &refused) {
			fmt.Println("refused:", refused.ErrorCode)
			return
		}
	}
	must(js.Publish(ctx, "B", []byte("one")))
	info := must(must(js.Stream(ctx, "B")).Info(ctx))
	fmt.Printf("accepted with %d replicas, %d message stored\n", info.Config.Replicas, info.State.Msgs)
	for _, r := range info.Cluster.Replicas {
		if r.Offline {
			fmt.Printf("a replica is on the server that is down: offline %v, current %v\n", r.Offline, r.Current)
		}
	}
	nc.Close()
	for _, s := range all[:2] {
		s.Shutdown()
	}
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/data" | tee got
cat >want <<'TXT'
accepted with 3 replicas, 1 message stored
a replica is on the server that is down: offline true, current false
TXT
diff want got || { echo 'this has changed'; exit 1; }
