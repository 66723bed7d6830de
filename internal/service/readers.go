package service

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/nats/readers"
)

// serveReaders makes consumers for those who only read, until the returned function is called or
// ctx ends. That this user may not do that affects readers only.
func (s *service) serveReaders(ctx context.Context, conn *nats.Conn) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.changes.Failed("serving readers", readers.Serve(ctx, conn, s.log)) })
	return func() {
		cancel()
		running.Wait()
	}
}
