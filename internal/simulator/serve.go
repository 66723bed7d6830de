package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// closeTimeout is how long Serve waits for calls under way.
const closeTimeout = 2 * time.Second

// Serve answers calls on ln and runs the pushes until ctx ends, then closes ln and everything under
// way. It returns nil after ctx, and otherwise why it could not go on; when it cannot begin,
// because the pushes run already, ln is closed.
func (s *Simulator) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o, err := s.openOutbox(ctx)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	var pushing sync.WaitGroup
	pushing.Go(func() { o.work(ctx) })
	err = s.serve(ctx, ln)
	cancel()
	pushing.Wait()
	return err
}

func (s *Simulator) serve(ctx context.Context, ln net.Listener) error {
	// Calls that hang end with ctx, so that closing need not wait for them.
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the simulator: %w", err)
	case <-ctx.Done():
	}
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer done()
	if err := srv.Shutdown(closing); err != nil {
		_ = srv.Close() // calls that outlast the time-out are cut off
	}
	<-failed
	return nil
}
