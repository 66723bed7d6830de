package streamtest

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/publisher"
)

// Example starts a server for a documented example, which has no [testing.TB]: it stores that Ann
// and Bob join a meeting at nine o'clock and that Ann leaves. It panics when it cannot.
func Example() (url string, stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir := must(os.MkdirTemp("", "rollcall-example-"))
	server := must(embedded.Start(ctx, embedded.Options{StoreDir: dir, Listen: "127.0.0.1:0"}))
	nc := must(nats.Connect(server.ClientURL(), nats.ReconnectBufSize(-1)))
	defer nc.Close()
	pub := must(publisher.Open(ctx, nc, publisher.Options{}))
	running, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- pub.Run(running) }()
	nine := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	ann := diff.Row{UnionID: "u1", UserNick: "Ann", Status: diff.StatusActive, JoinTime: nine.UnixMilli()}
	bob := diff.Row{UnionID: "u2", UserNick: "Bob", Status: diff.StatusActive, JoinTime: nine.Add(5 * time.Second).UnixMilli()}
	gone := ann
	gone.Status, gone.LeaveTime = diff.StatusLeft, nine.Add(20*time.Minute).UnixMilli()
	for i, rows := range [][]diff.Row{{ann, bob}, {gone, bob}} {
		at := nine.Add(time.Duration(1+20*i) * time.Minute).UnixMilli()
		base := must(pub.Load(ctx, "weekly"))
		if _, _, err := pub.Update(ctx, base, diff.Snapshot{Rows: rows, From: at, At: at, Via: events.ViaPoll}); err != nil {
			panic(err)
		}
	}
	end()
	if err := <-ended; err != nil {
		panic(err)
	}
	return server.ClientURL(), func() {
		if err := server.Close(); err != nil {
			panic(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			panic(err)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("the example's server: %v", err))
	}
	return value
}
