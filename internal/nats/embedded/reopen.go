package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

var (
	// ErrStuck says that the server stores nothing more until it is opened again, whatever becomes
	// of the disk: it marks a stream that it could not write to, and JetStream as a whole where it
	// was not allowed to.
	ErrStuck = errors.New("the embedded NATS server has stopped storing")
	// ErrClosed says that the server was closed.
	ErrClosed = errors.New("the embedded NATS server is closed")
)

// Health is what the server says of its JetStream: nil when it is well, [ErrStuck] when it has to
// be opened again, any other error when something else is wrong. It asks the server's health check,
// which looks at every stream there is.
func (s *Server) Health() error {
	ns := s.running.Load()
	if !ns.Running() {
		return fmt.Errorf("%w: it is not running", ErrStuck)
	}
	if !ns.JetStreamEnabled() {
		return fmt.Errorf("%w: its JetStream is switched off", ErrStuck)
	}
	health := ns.Healthz(&server.HealthzOptions{Details: true})
	var said []error
	for _, e := range health.Errors {
		// See healthz in nats-server's monitor.go, 2.15.3.
		if strings.Contains(e.Error, "write error") {
			return fmt.Errorf("%w: %s", ErrStuck, e.Error)
		}
		said = append(said, errors.New(e.Error))
	}
	return errors.Join(said...)
}

// Reopen closes the server and opens it again, at the same address and on the same store. Its
// clients are cut off and connect again by themselves. What was stored stays, and a batch that was
// stored in part is completed by the server as it opens the store. With an error the server is
// closed, and Reopen can be called again.
func (s *Server) Reopen(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed {
		return ErrClosed
	}
	sopts, err := s.opts.serverOptions(s.keys)
	if err != nil {
		return fmt.Errorf("embedded NATS server: %w", err)
	}
	if sopts.Port, err = s.port(); err != nil {
		return fmt.Errorf("embedded NATS server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s.shutdown()
	ns, err := start(ctx, sopts, s.opts)
	if err != nil {
		return fmt.Errorf("embedded NATS server: opening it again: %w", err)
	}
	s.running.Store(ns)
	if err := s.warm(ctx); err != nil {
		return fmt.Errorf("embedded NATS server: opening it again: %w", err)
	}
	return nil
}

// port is where the server listens, whatever port it was told.
func (s *Server) port() (int, error) {
	at, err := url.Parse(s.url)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(at.Port())
}

// Space is how many bytes of the disk under the store are free, and how many there are. It is
// errors.ErrUnsupported on systems where that is not known.
func (s *Server) Space() (free, total uint64, err error) { return diskSpace(s.opts.StoreDir) }
