package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/condition"
	"github.com/c4342123/rollcall/poller/guarded"
	"github.com/c4342123/rollcall/poller/pace"
)

// Options configure a [Poller]. The zero value works.
type Options struct {
	// MinInterval and MaxInterval bound the time between two looks at one meeting's list, at least
	// a millisecond; 1 s and 60 s when zero. A look comes earlier when something has to be decided
	// soon, after a failure, and when it is asked for. It may come a twentieth of MinInterval
	// later, 50 ms at most, so that looks share wake-ups.
	MinInterval, MaxInterval time.Duration
	// Rate returns how many calls a second may be made at present, and may change at any time. It
	// must not wait; 0 means that all calls wait. While it allows less than is wanted, the
	// intervals of quiet meetings grow first, beyond MaxInterval, and those of information calls
	// last. Nil stands for no limit.
	Rate func() float64
	// Month limits the calls of a month, besides; nil stands for no limit. Under one, looks are
	// made for what they are worth, as docs/semantics.md says.
	Month Month
	// Clock is the wall clock, time.Now when nil. It only says when something was observed. Nothing
	// is decided by it, as the clocks of replicas may differ.
	Clock func() time.Time
	// Workers is how many looks may be under way at once; 32 when zero.
	Workers int
	// Shards says which meetings this replica looks at; all of them when nil. A push, and a request
	// to watch or unwatch, is handled for any meeting.
	Shards Shards
	// StateMemory is roughly how many bytes of states are kept in memory; 16 MiB when zero. What is
	// beyond is read from the store when it is needed.
	StateMemory int
	// Served, if not nil, is closed when no more pushes and requests come, soon after the end of
	// Run's context: what comes until then is stored. Without it, whatever comes after the end of
	// the context is refused.
	Served <-chan struct{}
	// Logger gets a line at info for each meeting that is found or that ends. Titles allows
	// meetings' titles in it.
	Logger *slog.Logger
	Titles bool
	// Reporter gets the failures; nil reports none.
	Reporter condition.Reporter
}

func (o Options) withDefaults() Options {
	o.MinInterval = cmp.Or(o.MinInterval, time.Second)
	o.MaxInterval = cmp.Or(o.MaxInterval, max(time.Minute, o.MinInterval))
	o.Workers = cmp.Or(o.Workers, 32)
	o.StateMemory = cmp.Or(o.StateMemory, 16<<20)
	if o.Month == nil {
		o.Month = unlimited{}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.MinInterval < time.Millisecond:
		return fmt.Errorf("poller: MinInterval %v is shorter than a millisecond", o.MinInterval)
	case o.MaxInterval < o.MinInterval:
		return fmt.Errorf("poller: MaxInterval %v is shorter than MinInterval %v", o.MaxInterval, o.MinInterval)
	case o.Workers < 0:
		return fmt.Errorf("poller: Workers %d is negative", o.Workers)
	case o.StateMemory < 0:
		return fmt.Errorf("poller: StateMemory %d is negative", o.StateMemory)
	}
	return nil
}

// Poller watches meetings: it looks at each when it is due, compares what the look shows with what
// was announced, and has the difference stored. One goroutine schedules and a fixed number looks,
// however many meetings are watched.
type Poller struct {
	*fixed
	source  Source
	store   Store
	table   *table
	counts  counters
	beatDue chan struct{} // holds a token when a beat is to be stored at once

	work     chan *look
	infos    chan struct{}  // holds a token for every information call under way
	ready    chan struct{}  // closed when loaded
	emptying sync.WaitGroup // the inboxes that are being emptied

	position diff.Position // how far the stream was followed; only load and follow use it
}

// Errors of a [Poller].
var (
	// ErrNotWatched says that the meeting is not watched.
	ErrNotWatched = errors.New("meeting is not watched")
	// ErrStopping says that the poller stops, or does not run yet, and stores nothing.
	ErrStopping = errors.New("stopping")
	// ErrNotReady says that the stored states have not been read yet.
	ErrNotReady = errors.New("not ready: stored meetings are being read")
	// ErrRunning says that Run was called before.
	ErrRunning = errors.New("poller was run before")

	errPaused = errors.New("calls have to wait at present")
)

// New returns a poller. It does nothing until Run.
func New(source Source, store Store, opts Options) (*Poller, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	f := &fixed{
		clock: clock{epoch: time.Now().Add(-time.Hour), wallTime: opts.Clock},
		opts:  opts, log: opts.Logger, tick: min(opts.MinInterval/20, maxTick),
		health: newHealth(opts.Reporter), shortestGap: shortestGap,
		pacer: pace.New(pace.Options{
			MinInterval: opts.MinInterval, MaxInterval: opts.MaxInterval, InfoInterval: infoAfter, Rate: opts.Rate,
			PerMeeting: opts.Month.PerMeeting,
		}),
		wake: make(chan struct{}, 1), news: make(chan struct{}, 1),
	}
	return &Poller{
		fixed: f, source: source, store: store, table: newTable(f),
		beatDue: make(chan struct{}, 1), work: make(chan *look), ready: make(chan struct{}),
		infos: make(chan struct{}, max(opts.Workers/2, 1)),
	}, nil
}

// Ready is closed when the stored states have been read: from then on meetings can be watched.
func (p *Poller) Ready() <-chan struct{} { return p.ready }

// Run reads the stored states of our shards, goes on with every meeting that was being watched,
// takes over and hands over meetings as the shards change, and looks until ctx ends. It returns
// when the last look has finished: the error of ctx if that ended before the states were read,
// [diff.ErrNewerVersion] when one of them was written by a newer version, else nil. It can be
// called once.
func (p *Poller) Run(ctx context.Context) error {
	if !guarded.Get(p.table, (*locked).begin) {
		return ErrRunning
	}
	looking, stop := context.WithCancel(ctx)
	defer stop()
	storing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	var parts sync.WaitGroup
	p.openInboxes(storing)
	p.startLooking(looking, &parts)
	err := p.load(looking)
	if err == nil {
		for _, part := range []func(context.Context){p.pulse, p.patrol, p.watchOthers, p.follow, p.refresh, p.followShards} {
			parts.Go(func() { part(looking) })
		}
		<-ctx.Done()
	}
	stop()
	if p.opts.Served != nil && ctx.Err() != nil {
		<-p.opts.Served
	}
	defer time.AfterFunc(storeGrace, giveUp).Stop()
	p.closeInboxes()
	parts.Wait()
	return err
}

// startLooking makes looks as they come due, until ctx ends.
func (p *Poller) startLooking(ctx context.Context, parts *sync.WaitGroup) {
	for range p.opts.Workers {
		parts.Go(func() {
			for l := range p.work {
				p.release(l, p.look(ctx, l))
			}
		})
	}
	parts.Go(func() {
		defer close(p.work)
		p.schedule(ctx)
	})
}

// openInboxes lets intents be stored, until closeInboxes. It outlives the looks: a push that is
// being stored when they end would be sent again, but late.
func (p *Poller) openInboxes(ctx context.Context) {
	p.table.With(func(t *locked) { t.storing = ctx })
}

func (p *Poller) closeInboxes() {
	p.table.With(func(t *locked) { t.storing = nil })
	p.emptying.Wait()
}

// begin notes that Run was called, and returns false if it was called before.
func (t *locked) begin() bool {
	again := t.running
	t.running = true
	return !again
}

// isHalted tells whether even last looks have to wait.
func (t *locked) isHalted() bool { return t.now() < t.halted }

func (t *locked) isLoaded() bool { return t.loaded }
