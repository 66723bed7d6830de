package conn_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// lines counts what is logged.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

// hangsUp listens as a server that hangs up at once, and counts how often.
func hangsUp(t *testing.T, calls *atomic.Int64) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return "nats://" + l.Addr().String()
}

// TestServersThatFailInTurnAreFewLines, each in its own way, before there ever was a connection and
// after.
func TestServersThatFailInTurnAreFewLines(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			log := &lines{}
			servers := config.Servers{hangsUp(t, &calls)}
			for range 3 {
				servers = append(servers, "nats://"+port.Free(t)) // refused, and the error names the port
			}
			stop := func() {}
			if !before {
				s := serve(t, server.Options{})
				servers = append(servers, s.ClientURL())
				stop = s.Shutdown
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			connected := make(chan struct{})
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				nc, err := conn.Connect(ctx, config.NATS{URL: servers}, conn.Options{
					Retry: true, RetryMax: 100 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil)),
				})
				if err == nil {
					close(connected)
					<-ctx.Done()
					nc.Close()
				}
			}()
			if !before {
				<-connected
				stop()
			}
			begun := calls.Load()
			require.Eventually(t, func() bool { return calls.Load() > begun+15 }, time.Minute, time.Millisecond)
			cancel()
			<-ended
			assert.LessOrEqual(t, strings.Count(log.String(), "\n"), 4, log.String())
			assert.Contains(t, log.String(), "failing")
		})
	}
}
