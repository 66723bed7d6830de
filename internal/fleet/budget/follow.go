package budget

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/poller"
)

// refresh asks for the server's time and reads the month's count, which may have to be made again.
func (m *Month) refresh(ctx context.Context) error {
	err := m.reread(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, nats.ErrNoResponders) {
		if err = m.store.remake(ctx); err == nil {
			err = m.reread(ctx)
		}
	}
	return err
}

func (m *Month) reread(ctx context.Context) error {
	r, err := m.clock.measure(ctx)
	if err != nil {
		return fmt.Errorf("asking for the time: %w", err)
	}
	now := m.setClock(r)
	if _, end := bounds(now); end.Sub(now) < nearEnd {
		c, err := m.store.count(ctx, monthOf(end))
		if err != nil {
			return err
		}
		if c.revision > 0 {
			err = m.lookBack(ctx, end)
			m.adopt(c, end)
			return err
		}
	}
	c, err := m.store.count(ctx, monthOf(now))
	if err == nil {
		err = m.lookBack(ctx, now)
	}
	if err != nil {
		return err
	}
	m.adopt(c, time.Time{})
	return nil
}

// lookBack reads how the month before went, when another begins.
func (m *Month) lookBack(ctx context.Context, now time.Time) error {
	begin, _ := bounds(now)
	if month := monthOf(begin.Add(-time.Hour)); m.before.month != month {
		before, err := m.store.count(ctx, month)
		if err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.before = before
	}
	return nil
}

// storeNews adds what happened here to what all replicas know.
func (m *Month) storeNews(ctx context.Context) error {
	m.mu.Lock()
	now, ok := m.time()
	stored, month := m.news, m.known.month
	if !ok || month != monthOf(now) || !stored.urgent(m.known.tally) {
		m.mu.Unlock()
		return nil
	}
	m.mu.Unlock()
	err := m.store.change(ctx, month, func(c *count) bool {
		c.tally = stored.addTo(c.tally)
		return true
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.news = m.news.without(stored)
	m.mu.Unlock()
	return m.refresh(ctx)
}

func (m *Month) setClock(r reading) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock.set(r)
	now, _ := m.time()
	return now
}

// adopt takes over a count that was read. A begun that is not zero is when its month begins, which
// another replica was told sooner: by a server whose clock is ahead.
func (m *Month) adopt(c count, begun time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun = later(m.begun, begun)
	// The bucket was deleted, purged or restored from a backup.
	if c.month == m.known.month && c.revision < m.known.revision {
		c.Drawn, c.Until, c.Spent = max(c.Drawn, m.known.Drawn), max(c.Until, m.known.Until), max(c.Spent, m.known.Spent)
		c.Listed, c.Pages, c.tally = max(c.Listed, m.known.Listed), max(c.Pages, m.known.Pages), m.known.tally
	}
	if c.revision == 0 {
		c.tally = m.before.next()
	}
	m.known, m.stale = c, false
	if c.Until > 0 {
		m.until = later(m.until, time.UnixMilli(c.Until))
	}
	now, _ := m.time()
	m.report(now)
}

// report says for whom there are no calls, or that there are some again. The caller holds mu.
func (m *Month) report(now time.Time) {
	err := m.exhausted(now)
	for _, p := range []Purpose{LastLook, Look, Discovery} {
		if err == nil {
			err = m.short(p, now)
		}
	}
	switch {
	case err != nil:
		m.opts.Reporter.Failed(what, err)
	case m.failing:
		m.opts.Reporter.OK(what)
	}
	m.failing = err != nil
}

// Observe takes note that upstream calls the month's calls used up: a [poller.SourceError] with
// trouble Exhausted. All replicas stop for ten minutes, as [Month.Run] tells them. Everything else
// is ignored, and so are our own refusals.
func (m *Month) Observe(err error) {
	var source *poller.SourceError
	if m == nil || !errors.As(err, &source) || source.Trouble != poller.Exhausted || own(err) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, ok := m.time()
	if !ok {
		return // nothing can be taken now; the next call will hear it again
	}
	_, end := bounds(now)
	m.until = earlier(now.Add(max(source.Wait, upstreamHold)), end.Add(edge))
	m.report(now)
	select {
	case m.noted <- struct{}{}:
	default:
	}
}

// Heed takes note that another replica was told by upstream that nothing is left, and until when no
// call is made for that.
func (m *Month) Heed(until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, ok := m.time()
	if !ok {
		return // it is told again
	}
	_, end := bounds(now)
	m.until = later(m.until, earlier(until, end.Add(edge)))
	m.report(now)
}

// heard is until when no call is made because upstream said that nothing is left; zero when it did
// not.
func (m *Month) heard() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.until
}

// storeUntil passes upstream's word on to the other replicas.
func (m *Month) storeUntil(ctx context.Context) error {
	m.mu.Lock()
	month, until, stored := m.known.month, m.until.UnixMilli(), m.known.Until
	m.mu.Unlock()
	if until <= stored {
		return nil
	}
	return m.store.change(ctx, month, func(c *count) bool {
		news := until > c.Until
		c.tell(until)
		return news
	})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
