package budget

import (
	"context"
)

// LimiterOptions are the parts of a [Limiter].
type LimiterOptions struct {
	// Rate and Month are asked before every call. Either may be nil.
	Rate  *Rate
	Month *Month
	// Usage counts the calls while the month has no limit; it may be nil.
	Usage *Usage
	// Purpose tells what a call is for; nil means [From].
	Purpose func(ctx context.Context) Purpose
}

// Limiter lets calls to DingTalk through as rate and month allow. It is safe for concurrent use.
type Limiter struct {
	rate    *Rate
	month   *Month
	usage   *Usage // nil where the month counts
	purpose func(ctx context.Context) Purpose
}

// NewLimiter puts a limiter together.
func NewLimiter(o LimiterOptions) *Limiter {
	if o.Purpose == nil {
		o.Purpose = From
	}
	l := &Limiter{rate: o.Rate, month: o.Month, purpose: o.Purpose}
	if o.Month == nil || o.Month.opts.Limit == 0 {
		l.usage = o.Usage
	}
	return l
}

// Wait returns nil when one call may be made, at once. Its errors are those of [Rate.Wait] and
// [Month.Take].
//
// The month's call is taken before the rate is waited for: however long NATS takes to grant it,
// calls are then still made no faster than the rate allows. A call that is not made after all goes
// back to the parcel it came from. The wait may outlast the month: a call of the old one is then
// lost.
func (l *Limiter) Wait(ctx context.Context) error {
	p := l.purpose(ctx)
	for {
		took, err := l.month.take(ctx, p)
		if err != nil {
			return err
		}
		if err := l.rate.Wait(ctx, p); err != nil {
			l.month.putBack(took)
			return err
		}
		if l.month.valid(took) {
			l.usage.Count(Call)
			return nil
		}
	}
}

// Observe has to be told how every call went, nil for one that succeeded. What upstream says of its
// limits is followed from then on. Refusals of [Limiter.Wait] are ignored.
func (l *Limiter) Observe(err error) {
	if err == nil || own(err) {
		return
	}
	l.rate.Observe(err)
	l.month.Observe(err)
	if l.usage != nil && l.month != nil {
		l.usage.refuse(l.month.heard())
	}
}
