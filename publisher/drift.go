package publisher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// driftEvery is how often the stream's configuration is compared with what is wanted.
	driftEvery = time.Minute
	// driftAtLeast is the least time between two comparisons when a refusal asks for one.
	driftAtLeast = 5 * time.Second
)

// limits are what an operator may set on the stream. They are never changed, but a change is
// logged.
type limits struct{ Bytes, Messages, Consumers int64 }

// drift is what differs between the stream's configuration and what is wanted.
type drift struct {
	err    error // what remains after all that could be changed back was; nil when nothing does
	limits *limits
}

// Drift is why the stream's configuration, as it was changed since [Open], breaks a promise; nil
// while it does not. It is [ErrStreamConfig], or that what can be changed back could not be.
func (p *Publisher) Drift() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drift.err
}

// watchConfig compares the stream's configuration with what is wanted until ctx ends: about every
// minute, and soon after a commit was refused that the configuration may be the reason for. It
// returns why nothing may be stored any more, if that is found.
func (p *Publisher) watchConfig(ctx context.Context) error {
	for {
		if err := p.compareConfig(ctx); err != nil {
			return err
		}
		if !p.untilCompared(ctx) {
			return nil
		}
	}
}

// untilCompared waits until the next comparison, and tells whether ctx is still good.
func (p *Publisher) untilCompared(ctx context.Context) bool {
	began := time.Now()
	every := p.unlessSwitched()
	regular := time.NewTimer(every*9/10 + rand.N(every/5))
	defer regular.Stop()
	select {
	case <-regular.C:
		return true
	case <-p.compareSoon:
	case <-ctx.Done():
		return false
	}
	soon := time.NewTimer(time.Until(began.Add(driftAtLeast)))
	defer soon.Stop()
	select {
	case <-soon.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// compareConfigSoon has the configuration compared soon.
func (p *Publisher) compareConfigSoon() {
	select {
	case p.compareSoon <- struct{}{}:
	default:
	}
}

// compareConfig reads the stream's configuration, changes back what it can and keeps what remains.
// If it cannot be read, nothing changes. It returns why nothing may be stored any more.
func (p *Publisher) compareConfig(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	st, err := p.js.Stream(asking, events.Stream)
	if err != nil {
		_ = p.checkGone(err)
		p.log.Debug("the stream's configuration cannot be compared", "error", err)
		return nil
	}
	have := st.CachedInfo().Config
	if err := p.comparePrivacy(asking, &have); err != nil {
		return err
	}
	found := drift{
		err:    p.changeBack(ctx, have),
		limits: &limits{have.MaxBytes, have.MaxMsgs, int64(have.MaxConsumers)},
	}
	if ctx.Err() == nil {
		p.noteDrift(found)
		p.noteFormat(have)
		p.switchFormat(ctx, have)
		p.keyKept.Store(false) // somebody may have removed it
		if err := p.keepKey(ctx); err != nil {
			p.log.Debug("the public key is not stored yet", "error", err)
		}
	}
	return nil
}

// changeBack changes back what can be changed without harm, unless the stream is not ours any more,
// and returns what is wrong then.
func (p *Publisher) changeBack(ctx context.Context, have jetstream.StreamConfig) error {
	bad := refusals(have)
	want, changes := improved(have, p.opts.Replicas)
	if len(changes) == 0 || !takesOurs(have) {
		return refusedConfig(bad)
	}
	asking, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	st, err := p.js.UpdateStream(asking, want)
	if err != nil {
		return errors.Join(refusedConfig(bad), fmt.Errorf("update stream %s (%s): %w", events.Stream, strings.Join(changes, "; "), err))
	}
	p.log.Warn("somebody had changed the stream: it was changed back", "stream", events.Stream, "changes", changes)
	return confirm(st.CachedInfo().Config, p.opts.Replicas)
}

// noteDrift keeps what differs now, and logs it if that is news.
func (p *Publisher) noteDrift(found drift) {
	p.mu.Lock()
	before := p.drift
	p.drift = found
	p.mu.Unlock()
	switch {
	case found.err == nil && before.err != nil:
		p.log.Info("the stream's configuration is as it should be again", "stream", events.Stream)
	case found.err != nil && (before.err == nil || before.err.Error() != found.err.Error()):
		p.log.Warn("somebody has changed the stream, and not to its good", "stream", events.Stream, "error", found.err)
	}
	if before.limits != nil && *before.limits != *found.limits {
		p.log.Info("somebody has changed the limits of the stream", "stream", events.Stream, "from", *before.limits, "to", *found.limits)
	}
}
