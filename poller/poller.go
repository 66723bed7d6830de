package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/c4342123/rollcall/diff"
)

// Options configure a [Poller]. The zero value works.
type Options struct {
	// MinInterval and MaxInterval bound the time between two looks at one meeting; 1 s and 60 s when zero.
	MinInterval, MaxInterval time.Duration
	// Workers is how many looks may be under way at once; 32 when zero.
	Workers int
	Logger  *slog.Logger
	// Reporter is told of failures; nobody when nil.
	Reporter Reporter
}

// Poller watches meetings: it looks at each when it is due, compares what it sees with what was announced, and has
// the difference stored. One goroutine schedules and a fixed number looks, however many meetings are watched.
type Poller struct {
	source Source
	store  Store
	opts   Options
	log    *slog.Logger
	counts counters
	health health

	work chan *meeting
	wake chan struct{} // holds a token when the schedule changed

	mu       sync.Mutex
	meetings map[string]*meeting
	queue    queue
	paused   time.Time // no look begins before
	loaded   bool
	ready    chan struct{} // closed when loaded
}

// meeting is one watched meeting. The first fields are guarded by Poller.mu, the others belong to whoever has the
// meeting busy.
type meeting struct {
	id    string
	due   time.Time
	place int           // in the queue; -1 while not queued
	busy  bool          // somebody looks
	asked bool          // somebody asked for a look at the list
	gone  bool          // no longer watched
	idle  chan struct{} // closed when busy ends; nil when nobody waits
	shown Status        // status as of the last look
	state *diff.State   // as of the last look

	record    diff.Record
	status    Status
	interval  time.Duration
	listDue   time.Time
	lastCall  time.Time
	lastInfo  time.Time
	heads     int // people present, by the last information call; -1 before it
	failures  int // in a row
	notFounds int // in a row
}

// Errors of a [Poller].
var (
	// ErrNotWatched says that the meeting is not watched.
	ErrNotWatched = errors.New("meeting is not watched")
	// ErrNotReady says that the stored states have not been read yet.
	ErrNotReady = errors.New("not ready: stored meetings are being read")
)

// New returns a poller. It does nothing until Run.
func New(source Source, store Store, opts Options) (*Poller, error) {
	opts.MinInterval = cmp.Or(opts.MinInterval, time.Second)
	opts.MaxInterval = cmp.Or(opts.MaxInterval, time.Minute)
	opts.Workers = cmp.Or(opts.Workers, 32)
	if opts.MinInterval < 0 || opts.MaxInterval < opts.MinInterval || opts.Workers < 0 {
		return nil, fmt.Errorf("poller: interval from %v to %v with %d workers", opts.MinInterval, opts.MaxInterval, opts.Workers)
	}
	p := &Poller{
		source: source, store: store, opts: opts, log: opts.Logger,
		work: make(chan *meeting), wake: make(chan struct{}, 1), ready: make(chan struct{}),
		meetings: map[string]*meeting{},
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.health.reporter = opts.Reporter
	return p, nil
}

// Ready is closed when the stored states have been read: from then on meetings can be watched.
func (p *Poller) Ready() <-chan struct{} { return p.ready }

// Run reads the stored states, goes on with every meeting that was being watched, and looks until ctx ends. It
// returns when the last look has finished.
func (p *Poller) Run(ctx context.Context) error {
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
	p.schedule(ctx)
	close(p.work)
	workers.Wait()
	return nil
}

// load reads the stored states, again and again until it succeeds: NATS may come up later than we do.
func (p *Poller) load(ctx context.Context) error {
	for failures := 1; ; failures++ {
		err := p.loadOnce(ctx)
		if err == nil {
			p.health.ok(areaStore)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, diff.ErrNewerVersion) {
			return err
		}
		p.health.failed(areaStore, err)
		if !sleep(ctx, jittered(retryAfter(failures), 0, rand.Float64())) {
			return ctx.Err()
		}
	}
}

func (p *Poller) loadOnce(ctx context.Context) error {
	records := map[string]diff.Record{}
	for record, err := range p.store.All(ctx) {
		if err != nil {
			return fmt.Errorf("reading the stored meetings: %w", err)
		}
		if record.State.Phase == diff.Watched {
			records[record.State.ConferenceID] = record
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, record := range records {
		p.add(record)
	}
	p.loaded = true
	close(p.ready)
	p.log.Info("watching", "meetings", len(records))
	return nil
}

// add begins to watch a meeting, due at once. The caller holds mu.
func (p *Poller) add(record diff.Record) *meeting {
	m := &meeting{id: record.State.ConferenceID, place: -1, record: record, heads: -1, interval: p.opts.MinInterval}
	m.status = newStatus(record.State)
	m.show()
	p.meetings[m.id] = m
	p.queue.put(m, time.Now())
	p.signal()
	return m
}

// signal wakes the scheduler.
func (p *Poller) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// schedule hands every meeting that is due to a worker, until ctx ends.
func (p *Poller) schedule(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		m, wait := p.next(time.Now())
		if m != nil {
			select {
			case p.work <- m:
			case <-ctx.Done():
				p.release(m, outcome{next: 0})
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-p.wake:
		case <-ctx.Done():
		}
	}
}

// next returns the meeting that is due, marked busy, or how long to wait for one.
func (p *Poller) next(now time.Time) (*meeting, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil, time.Hour
	}
	due := p.queue[0].due
	if due.Before(p.paused) {
		due = p.paused
	}
	if wait := due.Sub(now); wait > 0 {
		return nil, wait
	}
	m := p.queue[0]
	p.queue.remove(m)
	m.busy = true
	if m.asked {
		m.asked, m.listDue = false, time.Time{}
	}
	return m, 0
}

// outcome is what a look means for the schedule.
type outcome struct {
	next  time.Duration // until the next look
	pause time.Duration // until the next look at any meeting
	over  bool          // the meeting is closed out and forgotten
}

// release puts a meeting back into the queue after a look.
func (p *Poller) release(m *meeting, out outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.busy = false
	m.show()
	if m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
	now := time.Now()
	if out.pause > 0 && now.Add(out.pause).After(p.paused) {
		p.paused = now.Add(out.pause)
	}
	switch {
	case m.gone:
	case out.over:
		p.forget(m)
	case m.asked:
		p.queue.put(m, now)
	default:
		p.queue.put(m, now.Add(out.next))
	}
	p.signal()
}

// forget stops watching a meeting. The caller holds mu.
func (p *Poller) forget(m *meeting) {
	m.gone = true
	p.queue.remove(m)
	p.health.forget(areaMeeting + m.id)
	if p.meetings[m.id] == m {
		delete(p.meetings, m.id)
	}
}

// sleep waits for d and tells whether ctx is still good.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
