package budget

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/c4342123/rollcall/poller"
)

const (
	// burstShare is how much of a second's calls may come at once.
	burstShare = 4
	// patience is how long a call waits for the end of a pause. Of a longer one its caller is told.
	patience = 5 * time.Second
	// recheck is how soon the share is looked at again while calls wait.
	recheck = 200 * time.Millisecond
	// maxWaiting bounds the calls that wait.
	maxWaiting = 4096
)

// Peers are the replicas that share the rate.
type Peers interface {
	// Live returns how many replicas share the rate, this one included.
	Live() int
	// Admitted tells whether all others know of this replica, so that they leave it its share.
	Admitted() bool
}

// RateOptions configure [NewRate].
type RateOptions struct {
	// PerSecond is the rate of all replicas together, in calls per second. It is more than 0.
	PerSecond float64
	// Peers share the rate; nil means that there are none.
	Peers Peers
	// Slots, if not nil, serve while there are more replicas than the rate allows to share it; see
	// [Slots].
	Slots *Slots
}

// Rate is this replica's share of a rate of calls. It is safe for concurrent use.
//
// The share is the rate divided by the live replicas. It begins with nothing saved up, and so it
// does again after a pause, so that over any time no more calls are made than the rate allows; up
// to a quarter of a second's calls are saved while none is wanted. A QPS error halves the share,
// whatever the number of calls it hit, and time restores it.
type Rate struct {
	perSecond float64
	peers     Peers
	slots     *Slots

	mu     sync.Mutex
	bucket *rate.Limiter
	share  float64 // of the bucket, in calls per second; 0 while no call may be made
	factor float64 // what QPS errors left of the share at the time since
	since  time.Time
	held   time.Time // no call before
	queue  queue
	timer  *time.Timer
}

// NewRate makes a share of a rate. It returns an error when the rate is not a finite number more
// than 0.
func NewRate(o RateOptions) (*Rate, error) {
	if !(o.PerSecond > 0) || math.IsInf(o.PerSecond, 1) {
		return nil, fmt.Errorf("budget: PerSecond %v is not a number of calls more than 0", o.PerSecond)
	}
	if o.Peers == nil {
		o.Peers = alone{}
	}
	r := &Rate{perSecond: o.PerSecond, peers: o.Peers, slots: o.Slots, factor: 1}
	r.timer = time.AfterFunc(time.Hour, r.dispatch)
	r.timer.Stop()
	return r, nil
}

// alone is a replica without others.
type alone struct{}

func (alone) Live() int      { return 1 }
func (alone) Admitted() bool { return true }

// Wait returns nil when one call may be made, at once. Urgent purposes go before others, which
// still get every fourth call. Otherwise it returns the error of ctx, or a [poller.SourceError]
// with trouble Throttled that wraps [ErrHeld] when upstream asked for a pause of more than five
// seconds or thousands of calls are waiting.
func (r *Rate) Wait(ctx context.Context, p Purpose) error {
	if r == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w, err := r.enter(p)
	if w == nil {
		return r.slot(ctx, err)
	}
	select {
	case <-w.ready:
		return r.slot(ctx, w.err)
	case <-ctx.Done():
		r.leave(w)
		return ctx.Err()
	}
}

// slot waits for a slot of this replica where replicas are too many to have a share each.
func (r *Rate) slot(ctx context.Context, err error) error {
	if err != nil || !r.scarce(r.peers.Live()) {
		return err
	}
	return r.slots.wait(ctx, timeFor(1, r.perSecond))
}

// enter takes a call at once if it may, and else queues: then it returns what to wait for.
func (r *Rate) enter(p Purpose) (*waiter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if wait := r.held.Sub(now); wait > patience {
		return nil, held(wait)
	}
	if r.queue.len() == 0 && r.delay(now) == 0 {
		r.bucket.AllowN(now, 1)
		return nil, nil
	}
	if r.queue.len() >= maxWaiting {
		return nil, held(plainHold)
	}
	w := r.queue.put(p.urgent())
	if r.queue.len() == 1 {
		r.timer.Reset(min(r.delay(now), recheck))
	}
	return w, nil
}

func held(wait time.Duration) error { return refusal(poller.Throttled, wait, ErrHeld) }

func (r *Rate) leave(w *waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.remove(w)
}

// dispatch lets calls go that may.
func (r *Rate) dispatch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.queue.len() > 0 {
		now := time.Now()
		if wait := r.delay(now); wait > 0 {
			r.timer.Reset(min(wait, recheck))
			return
		}
		r.bucket.AllowN(now, 1)
		close(r.queue.next().ready)
	}
}

// delay returns how long it is until a call may be made. The caller holds mu.
func (r *Rate) delay(now time.Time) time.Duration {
	r.adjust(now)
	switch {
	case now.Before(r.held):
		return r.held.Sub(now)
	case r.share == 0:
		return recheck
	}
	missing := 1 - r.bucket.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return timeFor(missing, r.share) + time.Microsecond // not to wake too early
}

// timeFor returns how long a number of calls takes at a rate, or a day if that is less.
func timeFor(calls, perSecond float64) time.Duration {
	return time.Duration(min(calls/perSecond, (24*time.Hour).Seconds()) * float64(time.Second))
}

// adjust makes the bucket follow the share. What begins anew begins empty: a burst that the others
// did not make room for would come on top of theirs. The caller holds mu.
func (r *Rate) adjust(now time.Time) {
	share, burst := r.current(now)
	switch {
	case share == r.share:
	case share == 0:
	case r.share == 0:
		r.bucket = rate.NewLimiter(rate.Limit(share), burst)
		r.bucket.AllowN(now, burst)
	default:
		r.bucket.SetLimitAt(now, rate.Limit(share))
		r.bucket.SetBurstAt(now, burst)
	}
	r.share = share
}

// current returns the share at this moment, 0 while no call may be made, and how many calls may be
// saved up. The caller holds mu.
func (r *Rate) current(now time.Time) (share float64, burst int) {
	if now.Before(r.held) || !r.peers.Admitted() {
		return 0, 0
	}
	live := max(r.peers.Live(), 1)
	if r.scarce(live) {
		live = 1
	}
	share = r.perSecond * r.reduced(now) / float64(live)
	return share, max(int(share/burstShare), 1)
}

// scarce tells whether live replicas are too many to have a share each: a replica makes at least
// one call at a time, and if all do so at once that must be no more than a quarter of what five
// seconds allow.
func (r *Rate) scarce(live int) bool { return r.slots != nil && float64(live) > 1.25*r.perSecond }

// PerSecond returns this replica's share at this moment, in calls per second; 0 while no call may
// be made.
func (r *Rate) PerSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	share, _ := r.current(now)
	if live := r.peers.Live(); r.scarce(live) {
		share /= float64(live)
	}
	return share
}
