package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a [Poller]. The zero value works.
type Options struct {
	// MinInterval and MaxInterval bound the time between two looks at one meeting's list, at least a millisecond; 1 s
	// and 60 s when zero. What has to be decided soon, a failure, or somebody who asks, makes a look come earlier; to share
	// wake-ups, it may come a twentieth of MinInterval later, 50 ms at most.
	MinInterval, MaxInterval time.Duration
	// Workers is how many looks may be under way at once; 32 when zero.
	Workers int
	Logger  *slog.Logger
	// Reporter is told of failures; nobody when nil.
	Reporter Reporter
}

func (o Options) withDefaults() Options {
	o.MinInterval = cmp.Or(o.MinInterval, time.Second)
	o.MaxInterval = cmp.Or(o.MaxInterval, max(time.Minute, o.MinInterval))
	o.Workers = cmp.Or(o.Workers, 32)
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
	}
	return nil
}

// Poller watches meetings: it looks at each when it is due, compares what it sees with what was announced, and has
// the difference stored. One goroutine schedules and a fixed number looks, however many meetings are watched.
type Poller struct {
	source Source
	store  Store
	opts   Options
	log    *slog.Logger
	epoch  time.Time     // moment 0
	tick   time.Duration // looks that are not urgent begin on multiples of it
	counts counters
	health health
	stray  atomic.Bool // the store failed, and no look will find out that it works again

	work  chan *meeting
	wake  chan struct{} // holds a token when the schedule changed
	infos chan struct{} // holds a token for every information call under way
	ready chan struct{} // closed when loaded

	mu       sync.Mutex
	running  bool // Run was called
	loaded   bool
	meetings map[string]*meeting
	queue    queue
	wakeAt   moment          // when the scheduler looks at the queue again by itself
	paused   moment          // no look begins before
	pausedBy string          // the trouble that holds looks back, in the words of a gap
	limited  int             // pauses in a row
	storing  context.Context // of what is stored; nil while nothing is to be
	emptying sync.WaitGroup  // the inboxes that are being emptied
}

// Errors of a [Poller].
var (
	// ErrNotWatched says that the meeting is not watched.
	ErrNotWatched = errors.New("meeting is not watched")
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
	return &Poller{
		source: source, store: store, opts: opts, log: opts.Logger, epoch: time.Now().Add(-time.Hour),
		tick:   min(opts.MinInterval/20, maxTick),
		health: health{reporter: opts.Reporter},
		work:   make(chan *meeting), wake: make(chan struct{}, 1), ready: make(chan struct{}),
		infos: make(chan struct{}, max(opts.Workers/2, 1)), meetings: map[string]*meeting{},
	}, nil
}

// Ready is closed when the stored states have been read: from then on meetings can be watched.
func (p *Poller) Ready() <-chan struct{} { return p.ready }

// Run reads the stored states, goes on with every meeting that was being watched, and looks until ctx ends. It
// returns when the last look has finished: the error of ctx if that ended before the states were read,
// [diff.ErrNewerVersion] when one of them was written by a newer version, else nil. It can be called once.
func (p *Poller) Run(ctx context.Context) error {
	p.mu.Lock()
	again := p.running
	p.running = true
	p.mu.Unlock()
	if again {
		return ErrRunning
	}
	if err := p.load(ctx); err != nil {
		return err
	}
	var workers sync.WaitGroup
	for range p.opts.Workers {
		workers.Go(func() {
			for m := range p.work {
				p.release(m, p.look(ctx, m))
			}
		})
	}
	p.openInboxes(ctx)
	workers.Go(func() { p.patrol(ctx) })
	p.schedule(ctx)
	close(p.work)
	p.closeInboxes()
	workers.Wait()
	return nil
}

// openInboxes lets pushes and gaps be stored, until closeInboxes.
func (p *Poller) openInboxes(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.storing = ctx
}

func (p *Poller) closeInboxes() {
	p.mu.Lock()
	p.storing = nil
	p.mu.Unlock()
	p.emptying.Wait()
}

func (p *Poller) isPaused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now() < p.paused
}
