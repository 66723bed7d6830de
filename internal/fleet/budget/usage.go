package budget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

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
	// Location is where months begin and offices are open; nil means China Standard Time.
	Location *time.Location
	// Replicas is how many NATS servers keep the count; 0 means 1.
	Replicas int
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

	mu      sync.Mutex
	counted map[string]*[kinds]int // by month: what is not stored yet
	// The month of which it is to be stored that its pushes are used up.
	told    string
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
	// Begun is since when it is counted, in Unix milliseconds.
	Begun int64 `json:"begun"`
}

// pushed is how many pushes are used.
func (u usage) pushed() int { return u.Used[Push] + u.Used[Message] }

// OpenUsage opens what is counted, and makes it if it is new. It does not take over conn.
func OpenUsage(ctx context.Context, conn *nats.Conn, o UsageOptions) (*Usage, error) {
	o.Location, o.Now = cmp.Or(o.Location, china), clockOr(o.Now)
	s, err := openStore(ctx, conn, max(o.Replicas, 1))
	if err != nil {
		return nil, fmt.Errorf("budget: opening the count of the month's pushes: %w", err)
	}
	u := &Usage{opts: o, store: s, counted: map[string]*[kinds]int{}, weights: new(habits).weigh()}
	if err := u.Sync(ctx); err != nil {
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
}

// Exhausted takes note that upstream calls the month's pushes used up.
func (u *Usage) Exhausted() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.told = monthOf(u.now())
}

func (u *Usage) now() time.Time { return u.opts.Now().In(u.opts.Location) }

// Run stores what was counted and reads what others have, until ctx ends. What cannot be stored is
// kept.
func (u *Usage) Run(ctx context.Context) {
	// The count of calls says what is wrong with NATS.
	pause.Every(ctx, refreshEvery, nil, func() { _ = u.Sync(ctx) })
}

// Sync stores what was counted and reads what others have.
func (u *Usage) Sync(ctx context.Context) error {
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	u.mu.Lock()
	now, told := u.now(), u.told
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
		known, err := u.add(ctx, month, counted[month], told == month)
		if err != nil {
			return err
		}
		u.stored(known, counted[month], month == this)
	}
	return u.read(ctx, now)
}

// add adds to what is stored of a month, unless there is nothing to add, and returns what is stored
// then.
func (u *Usage) add(ctx context.Context, month string, counted [kinds]int, told bool) (usage, error) {
	for {
		known := usage{month: month}
		revision, err := u.store.load(ctx, usageKey(month), &known)
		if err != nil {
			return known, err
		}
		before := known
		u.edit(&known, counted, told)
		if known == before {
			return known, nil
		}
		if _, err = u.store.save(ctx, usageKey(month), &known, revision); !errors.Is(err, errConflict) {
			return known, err
		}
		if err := giveWay(ctx, conflictPause); err != nil {
			return known, err
		}
	}
}

func (u *Usage) edit(known *usage, counted [kinds]int, told bool) {
	for k, n := range counted {
		known.Used[k] += n
	}
	if known.Begun == 0 {
		known.Begun = u.opts.Now().UnixMilli()
	}
	if u.opts.Pushes >= 0 {
		known.Pushes = u.opts.Pushes
	}
	switch {
	case counted[Push] > 0:
		known.Told = 0 // there are pushes again, so more were bought
	case told && known.Told == 0:
		known.Told = max(known.pushed(), 1)
	}
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
	if this {
		u.known = known
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
	return nil
}

func usageKey(month string) string { return "usage." + month }

// Standing is how something stands that a calendar month has so much of.
type Standing struct {
	// Limit is how much the month has, 0 without a limit; Used and Left are what was used of it and
	// what was not.
	Limit, Used, Left int
	// Told says that the limit is not as set: upstream said that no more was left when so much was
	// used.
	Told bool
	// Lasts is until when it lasts if it is used as it was so far; End is the end of the month.
	Lasts, End time.Time
}

// RunsOut tells whether it is used up before the month ends.
func (s Standing) RunsOut() bool { return s.Limit > 0 && s.Lasts.Before(s.End) }

// Pushes returns how the pushes of the month stand, the messages of robots included.
func (u *Usage) Pushes() Standing {
	u.mu.Lock()
	defer u.mu.Unlock()
	known := u.latest()
	s := Standing{Limit: known.Pushes, Used: known.pushed()}
	switch told := u.before.Told; {
	case known.Told > 0:
		s.Limit, s.Told = known.Told, true
	case told > s.Used && (s.Limit == 0 || told < s.Limit):
		s.Limit, s.Told = told, true
	}
	return u.standing(s)
}

// Calls completes how the calls of the month stand. Those without a limit are counted here.
func (u *Usage) Calls(of State) Standing {
	u.mu.Lock()
	defer u.mu.Unlock()
	if of.Limit == 0 {
		return u.standing(Standing{Used: u.latest().Used[Call]})
	}
	return u.standing(Standing{Limit: of.Limit, Used: max(of.Limit-of.Left, 0), Told: of.Told})
}

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

// standing adds what is left, and until when that lasts. The caller holds mu.
func (u *Usage) standing(s Standing) Standing {
	now := u.now()
	_, s.End = bounds(now)
	s.Lasts = s.End
	if s.Limit == 0 {
		return s
	}
	if s.Left = max(s.Limit-s.Used, 0); s.Left == 0 {
		s.Lasts = now
		return s
	}
	s.Lasts = lasts(&u.weights, s.Used, s.Left, time.UnixMilli(u.latest().Begun).In(u.opts.Location), now)
	return s
}
