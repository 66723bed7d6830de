package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/poller"
)

const (
	// refreshEarly is how long before its end a token is replaced; a tenth of its life if that is
	// shorter.
	refreshEarly = 10 * time.Minute
	// Bounds of the pause between token calls that fail: asking too often is throttled.
	minTokenPause = time.Second
	maxTokenPause = time.Minute
)

// grant is an access token that was given out.
type grant struct {
	value string
	life  time.Duration
	// number tells this grant from others, even of the same value: asking again inside a token's
	// life returns the same token.
	number uint64
}

// tokenSource gives out access tokens.
type tokenSource interface {
	// get returns a token to use now.
	get(ctx context.Context) (grant, error)
	// accepted says that a token worked.
	accepted(number uint64)
	// refused says that a token was refused, and reports whether another can be had.
	refused(number uint64) bool
}

// fixedToken is a token that was configured and cannot be replaced.
type fixedToken string

func (t fixedToken) get(context.Context) (grant, error) { return grant{value: string(t)}, nil }
func (fixedToken) accepted(uint64)                      {}
func (fixedToken) refused(uint64) bool                  { return false }

// tokens caches the token of an app. One request at a time asks for a new one, in a goroutine of
// its own, so that a caller that gives up does not fail the others who wait for it.
type tokens struct {
	fetch func(context.Context) (grant, error)
	now   func() time.Time
	log   *slog.Logger

	// ctx ends with close; flights counts the goroutines.
	ctx     context.Context
	cancel  context.CancelFunc
	flights sync.WaitGroup

	mu        sync.Mutex
	current   grant
	renewAt   time.Time
	expiresAt time.Time
	spent     bool // current was refused
	proved    bool // current has worked
	flight    *flight
	notBefore time.Time // no token call before
	lastErr   *Error    // why not
	failing   backoff.BackOff
	refusals  backoff.BackOff
	refusedIn int // grants in a row that were refused without ever having worked
}

// flight is a token call under way. token and err are set when done is closed.
type flight struct {
	done  chan struct{}
	token grant
	err   error
}

func newTokens(fetch func(context.Context) (grant, error), now func() time.Time, log *slog.Logger) *tokens {
	t := &tokens{fetch: fetch, now: now, log: log, failing: tokenPause(), refusals: tokenPause()}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

func tokenPause() backoff.BackOff {
	return pause.Doubling(minTokenPause, maxTokenPause, backoff.WithRandomizationFactor(0.2))
}

// get implements tokenSource. A token that is about to expire is still given out while its
// successor is fetched.
func (t *tokens) get(ctx context.Context) (grant, error) {
	t.mu.Lock()
	now := t.now()
	usable := t.current.value != "" && !t.spent && now.Before(t.expiresAt)
	if usable && now.Before(t.renewAt) {
		defer t.mu.Unlock()
		return t.current, nil
	}
	if t.flight == nil && !now.Before(t.notBefore) && t.ctx.Err() == nil {
		t.launch()
	}
	current, f := t.current, t.flight
	held := t.held(now)
	t.mu.Unlock()
	if usable {
		return current, nil
	}
	if f == nil {
		return grant{}, held
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return grant{}, gaveUp(ctx)
	}
}

// gaveUp is the error of a caller who did not wait for the token. Its deadline tells of a slow
// upstream, its cancellation of nothing.
func gaveUp(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		e := &Error{Op: opToken, Kind: KindTimeout, Err: context.Cause(ctx)}
		return e.source()
	}
	return fmt.Errorf("dingtalk: %s: %w", opToken, context.Cause(ctx))
}

// held is why no token call may be made now.
func (t *tokens) held(now time.Time) error {
	if t.ctx.Err() != nil {
		return fmt.Errorf("dingtalk: %s: %w", opToken, ErrClosed)
	}
	if t.lastErr == nil {
		return nil
	}
	err := t.lastErr.source()
	err.Wait = max(t.notBefore.Sub(now), 0)
	return err
}

// launch starts a token call. The lock is held.
func (t *tokens) launch() {
	f := &flight{done: make(chan struct{})}
	t.flight = f
	t.flights.Go(func() {
		asked := t.now()
		token, err := t.fetch(t.ctx)
		t.mu.Lock()
		defer t.mu.Unlock()
		f.token, f.err = t.land(token, asked, err)
		t.flight = nil
		close(f.done)
	})
}

// land takes in the outcome of a token call. The lock is held.
func (t *tokens) land(token grant, asked time.Time, err error) (grant, error) {
	if err != nil {
		return grant{}, t.fail(err)
	}
	token.number = t.current.number + 1
	t.current, t.spent, t.proved = token, false, false
	t.expiresAt = asked.Add(token.life)
	t.renewAt = t.expiresAt.Add(-min(refreshEarly, token.life/10))
	if t.lastErr != nil {
		t.log.Info("access token obtained again")
	}
	t.lastErr, t.notBefore = nil, time.Time{}
	t.failing.Reset()
	return token, nil
}

func (t *tokens) fail(err error) error {
	if t.ctx.Err() != nil {
		return fmt.Errorf("dingtalk: %s: %w", opToken, ErrClosed)
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Op: opToken, Kind: KindReply, Err: err}
	}
	// The same failure is said once: the next one with another text or after a success.
	if t.lastErr == nil || t.lastErr.Kind != e.Kind || t.lastErr.Code != e.Code {
		t.log.Warn("no access token", "error", e, "presentTokenUntil", t.expiresAt)
	}
	wait := max(t.failing.NextBackOff(), e.Wait)
	t.lastErr, t.notBefore = e, t.now().Add(wait)
	return &poller.SourceError{Trouble: e.trouble(), Wait: wait, Err: e}
}

// accepted implements tokenSource.
func (t *tokens) accepted(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number == t.current.number && !t.proved {
		t.proved = true
		t.refusedIn = 0
		t.refusals.Reset()
	}
}

// refused implements tokenSource. However many requests failed with one grant, it is replaced once.
// Where fresh grants are refused too, asking for more of them at once would not help, so pauses
// come in between.
func (t *tokens) refused(number uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number != t.current.number || t.spent {
		return true
	}
	t.spent = true
	if !t.proved {
		t.refusedIn++
	}
	if t.refusedIn > 1 {
		t.lastErr = &Error{Op: opToken, Kind: KindToken, Message: "fresh tokens are refused"}
		t.notBefore = t.now().Add(t.refusals.NextBackOff())
	}
	return true
}

// close ends a token call under way and waits for it.
func (t *tokens) close() {
	t.mu.Lock()
	t.cancel()
	t.mu.Unlock()
	t.flights.Wait()
}
