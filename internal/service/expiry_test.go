package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/poller/condition"
	"github.com/c4342123/rollcall/publisher"
)

// script is a sweeper of which each pass goes as a test says; the last goes on.
type script struct {
	mu     sync.Mutex
	passes []func() (publisher.Swept, error)
}

func (s *script) Sweep(context.Context) (publisher.Swept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pass := s.passes[0]
	if len(s.passes) > 1 {
		s.passes = s.passes[1:]
	}
	return pass()
}

// set has the passes that follow go like this.
func (s *script) set(passes ...func() (publisher.Swept, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passes = passes
}

func swept(meetings int, due time.Duration, more bool) func() (publisher.Swept, error) {
	return func() (publisher.Swept, error) {
		return publisher.Swept{Meetings: meetings, Due: due, More: more}, nil
	}
}

func TestOneReplicaRemovesWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbuffer.Buffer
		var mine atomic.Bool
		var passes script
		passes.set(
			swept(50, 30*time.Hour, true), swept(50, 29*time.Hour, true), swept(7, time.Minute, false),
			func() (publisher.Swept, error) { return publisher.Swept{Due: 2 * time.Hour}, errors.New("refused") },
			swept(0, 0, false),
		)
		e := &expiry{
			sweeper: &passes, every: time.Minute, mine: func(shard int) bool { return mine.Load() && shard == choresShard },
			report: condition.OrNone(nil), log: slog.New(slog.NewTextHandler(&log, nil)),
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); e.run(ctx) }()
		expect := func(removed uint64, due time.Duration, says string) {
			t.Helper()
			synctest.Wait()
			gotRemoved, gotDue := e.figures()
			assert.Equal(t, removed, gotRemoved)
			assert.Equal(t, due, gotDue)
			checks := e.checks()
			if says == "" {
				assert.Empty(t, checks)
				return
			}
			require.Len(t, checks, 1)
			assert.ErrorContains(t, checks[0].Err, says)
			assert.False(t, checks[0].Vital)
		}
		expect(0, 0, "")
		mine.Store(true)
		time.Sleep(time.Minute)
		expect(107, time.Minute, "")
		assert.Equal(t, 1, strings.Count(log.String(), "are removed now"), "it is said that Rollcall did not run for a while")
		time.Sleep(time.Minute)
		expect(107, 2*time.Hour, "meetings that expired 2h0m0s ago are still stored, as they cannot be removed")
		mine.Store(false)
		time.Sleep(time.Minute)
		expect(107, 0, "")
		mine.Store(true)
		time.Sleep(time.Minute)
		expect(107, 0, "")
		passes.set(func() (publisher.Swept, error) { return publisher.Swept{}, errors.New("not allowed") })
		time.Sleep(2 * time.Minute)
		expect(107, 0, "")
		time.Sleep(time.Minute)
		expect(107, 0, "what has expired cannot be removed")
		cancel()
		<-ended
	})
}

func TestWhatExpiresSoonIsLookedForMoreOften(t *testing.T) {
	for retention, every := range map[time.Duration]time.Duration{
		0: time.Minute, 720 * time.Hour: time.Minute, 2 * time.Minute: 12 * time.Second, 2 * time.Second: time.Second,
	} {
		assert.Equal(t, every, sweepInterval(retention), retention)
	}
}
