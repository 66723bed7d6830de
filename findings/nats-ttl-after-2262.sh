#!/usr/bin/env bash
# A message TTL that ends after April 2262, in NATS JetStream.
#
# Versions: nats-server 2.15.3 (embedded), nats.go 1.55.0, Go 1.26.
#
# Guess: a TTL is either refused (2562048h is: it does not fit into 64 bits of nanoseconds) or kept to; one of 240 years
# is as good as "never". A stream's MaxAge behaves the same.
#
# Seen: what ends after 2262, where Unix nanoseconds leave 64 bits, is acknowledged with a sequence and removed at
# once, in file and memory storage alike. MaxAge of the same length keeps its messages.
#   ttl 2000000h    acknowledged, kept
#   ttl 2100000h    acknowledged, gone
#   ttl 9000000000  acknowledged, gone
#   ttl 2562048h    refused: 10165
#   ttl never       acknowledged, kept
#   max age 2100000h acknowledged, kept
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

// fate says what became of a message: one that is to go is gone within a moment.
func fate(ctx context.Context, s jetstream.Stream, ack *jetstream.PubAck, err error) string {
	var refused *jetstream.APIError
	if errors.As(err, &refused) {
		return fmt.Sprint("refused: ", refused.ErrorCode)
	}
	must(ack, err)
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := s.GetMsg(ctx, ack.Sequence); errors.Is(err, jetstream.ErrMsgNotFound) {
			return "acknowledged, gone"
		}
	}
	return "acknowledged, kept"
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

	for _, storage := range []jetstream.StorageType{jetstream.FileStorage, jetstream.MemoryStorage} {
		s := must(js.CreateStream(ctx, jetstream.StreamConfig{
			Name: "TTL" + storage.String(), Subjects: []string{"ttl." + storage.String()}, Storage: storage, AllowMsgTTL: true,
		}))
		for _, ttl := range []string{"2000000h", "2100000h", "9000000000", "2562048h", "never"} {
			msg := nats.NewMsg("ttl." + storage.String())
			msg.Header.Set("Nats-TTL", ttl)
			ack, err := js.PublishMsg(ctx, msg)
			fmt.Printf("%s: ttl %s: %s\n", storage, ttl, fate(ctx, s, ack, err))
		}
	}
	s := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "AGE", Subjects: []string{"age"}, MaxAge: 2_100_000 * time.Hour}))
	ack, err := js.Publish(ctx, "age", nil)
	fmt.Printf("max age 2100000h: %s\n", fate(ctx, s, ack, err))
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/store" | tee got
cat >want <<'TXT'
File: ttl 2000000h: acknowledged, kept
File: ttl 2100000h: acknowledged, gone
File: ttl 9000000000: acknowledged, gone
File: ttl 2562048h: refused: 10165
File: ttl never: acknowledged, kept
Memory: ttl 2000000h: acknowledged, kept
Memory: ttl 2100000h: acknowledged, gone
Memory: ttl 9000000000: acknowledged, gone
Memory: ttl 2562048h: refused: 10165
Memory: ttl never: acknowledged, kept
max age 2100000h: acknowledged, kept
TXT
diff want got || { echo 'this has changed'; exit 1; }
