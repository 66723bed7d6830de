package budget

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/poller/condition"
)

const (
	// refreshEvery is how often [Month.Run] learns what the other replicas did.
	refreshEvery = 10 * time.Second
	// drawTimeout bounds every exchange with NATS that a caller waits for.
	drawTimeout = 5 * time.Second
	// upstreamHold is how long all replicas make no call after upstream said that the month's calls
	// are used up. That may be wrong, or more may be bought.
	upstreamHold = 10 * time.Minute
)

// what is the budget's name where failures are reported.
const what = "calls of the month"

// china is where the platform's months begin. There is no summer time.
var china = time.FixedZone("China Standard Time", 8*60*60)

// clockOr returns now or, when it is nil, time.Now.
func clockOr(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// MonthOptions configure [OpenMonth]. The zero value works and has no limit.
type MonthOptions struct {
	// Limit is how many calls all replicas together may make in a calendar month; 0 means no limit.
	Limit int
	// Grace lets last looks go on when the month's calls are used up, for the days that upstream
	// goes on answering.
	Grace bool
	// Location is where months begin and offices are open; nil means China Standard Time.
	Location *time.Location
	// Replicas is how many NATS servers keep the count, see [jetstream.KeyValueConfig]; 0 means 1.
	Replicas int
	// Live returns how many replicas are live, this one included; nil means one. Neither it nor
	// Reporter may call the Month.
	Live func() int
	// Telling returns whether pushes can be relied on, see [Usage.PushesTell]; nil means that they
	// can as far as is known. It may not call the Month.
	Telling func() bool
	// Now is this replica's clock; nil means time.Now. The months go by the clock of the NATS
	// server, this one only measures the time since that was asked.
	Now func() time.Time
	// Reporter is told when calls are refused, and when they no longer are. It may be nil.
	Reporter condition.Reporter
}

func (o MonthOptions) withDefaults() MonthOptions {
	o.Location, o.Now = cmp.Or(o.Location, china), clockOr(o.Now)
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.Live == nil {
		o.Live = alone{}.Live
	}
	if o.Telling == nil {
		o.Telling = func() bool { return true }
	}
	o.Reporter = condition.OrNone(o.Reporter)
	return o
}

// Month is the calls of a calendar month, which all replicas share. It is safe for concurrent use.
//
// Calls are counted before they are made: a replica draws a parcel of them from the count in NATS
// by compare-and-set and makes no call that is not in its parcel. A parcel of one month is not
// spent in another. Whatever is not known to have been given back stays counted.
type Month struct {
	opts  MonthOptions
	store *store // nil without a limit
	clock clock

	drawing chan struct{} // held while the count is changed
	noted   chan struct{} // tells Run that there is something to store

	mu     sync.Mutex
	closed bool
	known  count     // as it was last read or written
	before count     // of the month before
	news   news      // that known does not have
	stale  bool      // known has to be read before it is changed
	begun  time.Time // when a month begins that another replica has begun already
	parcel ticket    // what is drawn and not spent
	until  time.Time // upstream said that there is nothing left: no call before
	asked  demand
	hours  hours

	share    float64 // of a meeting, as it was at the time sharedAt
	sharedAt time.Time

	failing bool // it was reported that calls are refused
}

// OpenMonth opens the count, and makes it if it is new. It does not take over conn, which may be
// nil without a limit.
func OpenMonth(ctx context.Context, conn *nats.Conn, o MonthOptions) (*Month, error) {
	o = o.withDefaults()
	if o.Limit < 0 {
		return nil, fmt.Errorf("budget: Limit %d is negative", o.Limit)
	}
	if o.Limit == 0 {
		return &Month{opts: o, clock: clock{now: o.Now}, asked: newDemand()}, nil
	}
	s, err := openStore(ctx, conn, o.Replicas)
	if err != nil {
		return nil, fmt.Errorf("budget: opening the count of the month's calls: %w", err)
	}
	return newMonth(ctx, s, o, s.time)
}

// OpenMonthIn opens the count in a bucket that is open already, of servers whose time ask tells. It
// is for callers that keep the bucket by other means than a connection, such as simulations on a
// virtual clock.
func OpenMonthIn(ctx context.Context, kv jetstream.KeyValue, ask func(context.Context) (time.Time, error), o MonthOptions) (*Month, error) {
	s := &store{ready: func() bool { return true }, kv: kv}
	return newMonth(ctx, s, o.withDefaults(), ask)
}

// newMonth makes a month of options with their defaults, and with what tells the server's time.
func newMonth(ctx context.Context, s *store, o MonthOptions, ask func(context.Context) (time.Time, error)) (*Month, error) {
	m := &Month{
		opts: o, store: s, clock: clock{now: o.Now, ask: ask}, asked: newDemand(),
		drawing: make(chan struct{}, 1), noted: make(chan struct{}, 1),
	}
	if err := m.refresh(ctx); err != nil {
		return nil, fmt.Errorf("budget: %w", err)
	}
	return m, nil
}

// Run follows what the other replicas do and stores what was learned, until ctx ends. Without it
// nothing is overspent, but what upstream says is not passed on to the other replicas.
func (m *Month) Run(ctx context.Context) {
	if m.store == nil {
		<-ctx.Done()
		return
	}
	pause.Every(ctx, refreshEvery, m.noted, func() { m.follow(ctx) })
}

// follow stores what is to be stored and reads what others have stored.
func (m *Month) follow(ctx context.Context) {
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	for _, step := range []func(context.Context) error{m.refresh, m.storeUntil, m.storeNews, m.storeDemand} {
		if err := step(ctx); err != nil {
			return // the next call reports it; what was to be stored is kept
		}
	}
}

// Close gives back what is left of the parcel. Nothing can be taken afterwards. An error says that
// some calls may be lost to the month: after an answer that did not come nothing is given back a
// second time.
func (m *Month) Close(ctx context.Context) error {
	if m.store == nil {
		return nil
	}
	if err := m.seize(ctx); err != nil {
		return fmt.Errorf("budget: giving calls back: %w", err)
	}
	defer m.release()
	m.mu.Lock()
	rest := m.parcel
	m.parcel, m.closed = ticket{}, true
	m.mu.Unlock()
	err := m.storeDemand(ctx)
	if rest.calls > 0 {
		err = cmp.Or(err, m.store.change(ctx, rest.month, func(c *count) bool {
			c.Drawn -= rest.calls
			return true
		}))
	}
	if err != nil {
		return fmt.Errorf("budget: giving calls back: %w", err)
	}
	return nil
}

// seize waits until no other goroutine of this replica changes the count.
func (m *Month) seize(ctx context.Context) error {
	select {
	case m.drawing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *Month) release() { <-m.drawing }
