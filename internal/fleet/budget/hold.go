package budget

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/c4342123/rollcall/poller"
)

const (
	// shrink and recovery are what a QPS error takes off the share and what every second gives
	// back: half of it, regained in 50 s. The share never sinks below floor.
	shrink   = 0.5
	recovery = 0.01
	floor    = 1.0 / 16
	// plainHold is the pause after a QPS error that names none: the platform's advice.
	plainHold = time.Second
	// longestHold caps what upstream may ask for: a documented block lasts five minutes.
	longestHold = 5 * time.Minute
	// longestJitter is the most that a pause is prolonged by chance.
	longestJitter = time.Second
)

// reduced returns what QPS errors leave of the share. The caller holds mu.
func (r *Rate) reduced(now time.Time) float64 {
	return min(r.factor+recovery*max(now.Sub(r.since), 0).Seconds(), 1)
}

// Observe follows what upstream says: a [poller.SourceError] with a Wait holds all calls back that
// long, and one that says that calls come too fast shrinks the share. Of the calls that meet one
// limit together only the first counts.
func (r *Rate) Observe(err error) {
	var source *poller.SourceError
	if r == nil || !errors.As(err, &source) {
		return
	}
	throttled := source.Trouble == poller.Throttled
	wait := min(max(source.Wait, 0), longestHold)
	if throttled && wait == 0 {
		wait = plainHold
	}
	if wait > 0 {
		r.hold(wait, throttled)
	}
}

// hold holds all calls back. Replicas that are held back together do not go on together, thanks to
// chance.
func (r *Rate) hold(wait time.Duration, throttled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(r.held) {
		r.prolong(now.Add(wait))
		return
	}
	until := now.Add(wait + rand.N(min(wait, longestJitter)+1))
	if throttled {
		r.factor = max(r.reduced(now)*shrink, floor)
		r.since = until
	}
	r.prolong(until)
}

// prolong holds calls back until a time, if they are not already for longer. A call that would have
// to wait too long is told so. The caller holds mu.
func (r *Rate) prolong(until time.Time) {
	if !until.After(r.held) {
		return
	}
	r.held = until
	now := time.Now()
	r.adjust(now)
	wait := until.Sub(now)
	if wait <= patience {
		return
	}
	for r.queue.len() > 0 {
		w := r.queue.next()
		w.err = held(wait)
		close(w.ready)
	}
}
