package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

// mint is a token endpoint of a test: it gives out numbered tokens or fails.
type mint struct {
	mu    sync.Mutex
	calls int
	life  time.Duration
	err   error
	gate  chan struct{} // when set, a call waits for it
}

func (m *mint) fetch(ctx context.Context) (grant, error) {
	m.mu.Lock()
	m.calls++
	n, gate, life, err := m.calls, m.gate, m.life, m.err
	m.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return grant{}, ctx.Err()
		}
	}
	if err != nil {
		return grant{}, err
	}
	return grant{value: fmt.Sprint("token-", n), life: life}, nil
}

func (m *mint) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

func (m *mint) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func keeper(m *mint) *tokens {
	return newTokens(m.fetch, time.Now, slog.New(slog.DiscardHandler))
}

func value(t *testing.T, k *tokens) string {
	t.Helper()
	token, err := k.get(t.Context())
	require.NoError(t, err)
	return token.value
}

func TestTokenIsRenewedEarly(t *testing.T) {
	cases := map[string]struct{ life, early time.Duration }{
		"ten minutes before its end":              {2 * time.Hour, 10 * time.Minute},
		"a tenth of its life if that is shorter":  {50 * time.Minute, 5 * time.Minute},
		"a tenth of the life of a very short one": {10 * time.Second, time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mint{life: c.life}
				k := keeper(m)
				defer k.close()
				assert.Equal(t, "token-1", value(t, k))
				time.Sleep(c.life - c.early - time.Millisecond)
				assert.Equal(t, "token-1", value(t, k))
				synctest.Wait()
				assert.Equal(t, 1, m.count(), "too early")
				time.Sleep(time.Millisecond)
				assert.Equal(t, "token-1", value(t, k), "the old token is good while the new one comes")
				synctest.Wait()
				assert.Equal(t, 2, m.count())
				assert.Equal(t, "token-2", value(t, k))
			})
		})
	}
}

func TestOneCallerAsksWhileOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour, gate: make(chan struct{})}
		k := keeper(m)
		defer k.close()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { assert.Equal(t, "token-1", value(t, k)) })
		}
		synctest.Wait()
		close(m.gate)
		wg.Wait()
		assert.Equal(t, 1, m.count())
	})
}

func TestWaitersOutliveACancelledLeaderAndHonourTheirOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour, gate: make(chan struct{})}
		k := keeper(m)
		defer k.close()
		leader, cancel := context.WithCancel(t.Context())
		hasty, cancelHasty := context.WithTimeout(t.Context(), time.Second)
		defer cancelHasty()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := k.get(leader)
			assert.ErrorIs(t, err, context.Canceled)
			var told *poller.SourceError
			assert.NotErrorAs(t, err, &told, "nothing is wrong upstream")
		})
		synctest.Wait()
		wg.Go(func() { assert.Equal(t, "token-1", value(t, k)) })
		wg.Go(func() {
			_, err := k.get(hasty)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble)
		})
		synctest.Wait()
		cancel()
		time.Sleep(2 * time.Second)
		close(m.gate)
		wg.Wait()
		assert.Equal(t, 1, m.count())
	})
}

func TestManyRefusalsOfOneTokenMakeOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour}
		k := keeper(m)
		defer k.close()
		old, err := k.get(t.Context())
		require.NoError(t, err)
		k.accepted(old.number)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				assert.True(t, k.refused(old.number))
				assert.Equal(t, "token-2", value(t, k))
			})
		}
		wg.Wait()
		assert.True(t, k.refused(old.number), "a late refusal of the old token")
		assert.Equal(t, "token-2", value(t, k))
		assert.Equal(t, 2, m.count())
	})
}

func TestFreshTokensThatAreRefusedAreNotAskedForInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour}
		k := keeper(m)
		defer k.close()
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			token, err := k.get(t.Context())
			if err == nil {
				k.refused(token.number)
			} else {
				told := trouble(t, err)
				assert.Equal(t, poller.Unavailable, told.Trouble)
				assert.Positive(t, told.Wait)
				assert.LessOrEqual(t, told.Wait, 72*time.Second)
			}
			time.Sleep(100 * time.Millisecond)
		}
		assert.Greater(t, m.count(), 8, "it goes on trying")
		assert.Less(t, m.count(), 25)
	})
}

func TestFailingTokenCallsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour, err: &Error{Op: opToken, Kind: KindCredentials, Code: "invalidClientIdOrSecret"}}
		var book logBook
		k := newTokens(m.fetch, time.Now, book.logger())
		defer k.close()
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			_, err := k.get(t.Context())
			told := trouble(t, err)
			assert.Equal(t, poller.Denied, told.Trouble)
			assert.Positive(t, told.Wait)
			time.Sleep(100 * time.Millisecond)
		}
		assert.Greater(t, m.count(), 8, "it goes on trying")
		assert.Less(t, m.count(), 25)
		assert.Equal(t, 1, strings.Count(book.String(), "no access token"), "one failure is said once")

		m.fail(nil)
		time.Sleep(2 * time.Minute)
		assert.Contains(t, value(t, k), "token-")
		assert.Contains(t, book.String(), "obtained again")
	})
}

func TestFailedRenewalKeepsThePresentToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour}
		k := keeper(m)
		defer k.close()
		assert.Equal(t, "token-1", value(t, k))
		m.fail(errors.New("down"))
		time.Sleep(55 * time.Minute)
		for range 10 {
			assert.Equal(t, "token-1", value(t, k))
			synctest.Wait()
		}
		assert.Equal(t, 2, m.count())
		time.Sleep(5 * time.Minute)
		_, err := k.get(t.Context())
		assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble, "expired")
	})
}

func TestTokenCallThatIsToldToWaitWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour, err: &Error{Op: opToken, Kind: KindThrottled, Wait: 3 * time.Minute}}
		k := keeper(m)
		defer k.close()
		_, err := k.get(t.Context())
		assert.Equal(t, 3*time.Minute, trouble(t, err).Wait)
		m.fail(nil)
		time.Sleep(3*time.Minute - time.Second)
		_, err = k.get(t.Context())
		assert.Equal(t, poller.Throttled, trouble(t, err).Trouble)
		time.Sleep(time.Second)
		assert.Equal(t, "token-2", value(t, k))
	})
}

func TestCloseEndsATokenCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: time.Hour, gate: make(chan struct{})}
		k := keeper(m)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := k.get(t.Context())
			assert.ErrorIs(t, err, ErrClosed)
		})
		synctest.Wait()
		k.close()
		wg.Wait()
		_, err := k.get(t.Context())
		assert.ErrorIs(t, err, ErrClosed)
		assert.Equal(t, 1, m.count())
	})
}

// trouble is the poller's view of an error.
func trouble(t *testing.T, err error) *poller.SourceError {
	t.Helper()
	var told *poller.SourceError
	require.ErrorAs(t, err, &told)
	return told
}
