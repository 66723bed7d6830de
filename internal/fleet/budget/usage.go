package budget

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// Kind is something that [Usage] counts.
type Kind int

const (
	// Push is a push that arrived, whatever it is about and whichever way it came.
	Push Kind = iota
	// Message is one that a group robot was sent: it draws on the same quota.
	Message
	// Call is a call where calls have no limit; else [Month] counts them.
	Call
	kinds
)

// UsageOptions configure [OpenUsage]. The zero value works and has no limit.
type UsageOptions struct {
	// Pushes is how many pushes and messages a calendar month has; 0 means no limit. A negative
	// number says that the caller does not know: then it is what another program has stored.
	Pushes int
	// Location is where months begin and offices are open; nil means China Standard Time. Programs
	// that do not know how many pushes there are go by that of another one.
	Location *time.Location
	// Replicas is how many NATS servers keep the count; 0 means 1.
	Replicas int
	// Refused is told until when no calls are to be made after upstream has refused one of any
	// replica, as often as that is read. It is for calls without a limit, of which [Month] stores
	// nothing; it may be nil, and may not call the Usage.
	Refused func(until time.Time)
	// Now is the clock that says which month it is; nil means time.Now.
	Now func() time.Time
}

// Usage is what is counted of a calendar month without anything being held back: pushes, the
// messages of robots, and calls that have no limit. All programs that use one NATS share it. It is
// safe for concurrent use.
//
// What is counted is stored every ten seconds by [Usage.Run], so that a kill loses a little. After
// an answer that did not come it may be counted twice.
type Usage struct {
	opts  UsageOptions
	store *store

	// runOut is whether pushes cannot be relied on. [Month] asks for it under its own lock.
	runOut atomic.Bool

	mu      sync.Mutex
	counted map[string]*[kinds]int // by month: what is not stored yet
	// The month of which it is to be stored that its pushes are used up.
	told string
	// Until when upstream's refusal of a call holds, that is to be stored; zero when it is.
	refused time.Time
	noted   chan struct{} // tells Run that there is something to store at once
	known   usage
	before  usage // of the month before
	weights [week]float64
}

// usage is what is stored of a month.
type usage struct {
	month string
	// Used is what was used, by [Kind].
	Used [kinds]int `json:"used"`
	// Pushes is how many pushes the month has; 0 without a limit.
	Pushes int `json:"pushes,omitzero"`
	// Told is how many were used when upstream said that no more are left; 0 while it did not.
	Told int `json:"told,omitzero"`
	// Calls is what upstream said of calls that have no limit.
	Calls refused `json:"calls,omitzero"`
	// Begun is since when it is counted, in Unix milliseconds.
	Begun int64 `json:"begun"`
}

// pushed is how many pushes are used.
func (u usage) pushed() int { return u.Used[Push] + u.Used[Message] }

// OpenUsageIn opens what is counted in a bucket that is open already, see [OpenMonthIn].
func OpenUsageIn(ctx context.Context, kv jetstream.KeyValue, o UsageOptions) (*Usage, error) {
	return newUsage(ctx, &store{ready: func() bool { return true }, kv: kv}, o.withDefaults())
}

// OpenUsage opens what is counted, and makes it if it is new. It does not take over conn.
func OpenUsage(ctx context.Context, conn *nats.Conn, o UsageOptions) (*Usage, error) {
	s, err := openStore(ctx, conn, max(o.Replicas, 1))
	if err != nil {
		return nil, fmt.Errorf("budget: opening the count of the month's pushes: %w", err)
	}
	return newUsage(ctx, s, o.withDefaults())
}

func (o UsageOptions) withDefaults() UsageOptions {
	o.Location, o.Now = cmp.Or(o.Location, china), clockOr(o.Now)
	return o
}

func newUsage(ctx context.Context, s *store, o UsageOptions) (*Usage, error) {
	u := &Usage{opts: o, store: s, counted: map[string]*[kinds]int{}, noted: make(chan struct{}, 1), weights: new(habits).weigh()}
	var err error
	if o.Pushes >= 0 {
		err = u.tellZone(ctx)
	}
	if err == nil {
		err = u.Sync(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("budget: %w", err)
	}
	return u, nil
}

// Count counts something that was used. It stores nothing.
func (u *Usage) Count(k Kind) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	month := monthOf(u.now())
	if u.counted[month] == nil {
		u.counted[month] = new([kinds]int)
	}
	u.counted[month][k]++
	u.judgePushes()
}

// Exhausted takes note that upstream calls the month's pushes used up.
func (u *Usage) Exhausted() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.told = monthOf(u.now())
	u.judgePushes()
}

func (u *Usage) now() time.Time { return u.opts.Now().In(u.opts.Location) }

// Run stores what was counted and reads what others have, until ctx ends. What cannot be stored is
// kept.
func (u *Usage) Run(ctx context.Context) {
	// The count of calls says what is wrong with NATS.
	pause.Every(ctx, refreshEvery, u.noted, func() { _ = u.Sync(ctx) })
}

// Sync stores what was counted and reads what others have.
func (u *Usage) Sync(ctx context.Context) error {
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	if u.opts.Pushes < 0 {
		if err := u.followZone(ctx); err != nil {
			return err
		}
	}
	u.mu.Lock()
	now, told, until := u.now(), u.told, u.refused
	counted := make(map[string][kinds]int, len(u.counted))
	for month, n := range u.counted {
		counted[month] = *n
	}
	u.mu.Unlock()
	this := monthOf(now)
	if _, some := counted[this]; !some {
		counted[this] = [kinds]int{}
	}
	for _, month := range slices.Sorted(maps.Keys(counted)) {
		n := additions{used: counted[month], told: told == month}
		if month == this {
			n.refused = until
		}
		known, err := u.add(ctx, month, n)
		if err != nil {
			return err
		}
		u.stored(known, counted[month], month == this)
	}
	return u.read(ctx, now)
}

// add adds to what is stored of a month, unless there is nothing to add, and returns what is stored
// then.
func (u *Usage) add(ctx context.Context, month string, n additions) (known usage, err error) {
	err = untilFirst(ctx, func() error {
		known = usage{month: month}
		revision, err := u.store.load(ctx, usageKey(month), &known)
		if err != nil {
			return err
		}
		before := known
		if u.edit(&known, n); known == before {
			return nil
		}
		_, err = u.store.save(ctx, usageKey(month), &known, revision)
		return err
	})
	return known, err
}

// stored forgets what was counted and is stored now.
func (u *Usage) stored(known usage, counted [kinds]int, this bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	rest := u.counted[known.month]
	for k, n := range counted {
		if rest != nil {
			rest[k] -= n
		}
	}
	if rest != nil && *rest == ([kinds]int{}) {
		delete(u.counted, known.month)
	}
	if known.Told > 0 && u.told == known.month {
		u.told = ""
	}
	if !this {
		return
	}
	u.known = known
	if !u.refused.After(time.UnixMilli(known.Calls.Until)) {
		u.refused = time.Time{}
	}
	if u.opts.Refused != nil && known.Calls.counts(u.now()) {
		u.opts.Refused(time.UnixMilli(known.Calls.Until))
	}
}

// read reads how the month before went, and in which hours calls are wanted.
func (u *Usage) read(ctx context.Context, now time.Time) error {
	begin, _ := bounds(now)
	before := usage{month: monthOf(begin.Add(-time.Hour))}
	h := new(habits)
	_, err := u.store.load(ctx, usageKey(before.month), &before)
	if err == nil {
		_, err = u.store.load(ctx, habitsKey, h)
	}
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.before, u.weights = before, h.weigh()
	u.judgePushes()
	return nil
}

func usageKey(month string) string { return "usage." + month }

// Messages returns how many messages robots were sent this month.
func (u *Usage) Messages() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.latest().Used[Message]
}

// latest is what is known of this month, with what was counted here and is not stored. The caller
// holds mu.
func (u *Usage) latest() usage {
	month := monthOf(u.now())
	known := u.known
	if known.month != month {
		known = usage{month: month, Pushes: known.Pushes, Begun: u.opts.Now().UnixMilli()}
	}
	if more := u.counted[month]; more != nil {
		for k, n := range more {
			known.Used[k] += n
		}
	}
	return known
}
