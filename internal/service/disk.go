package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/embedded"
)

const (
	// diskGlance is how often the embedded server's health is asked and the disk is looked at. What
	// the server logs as an error has it done at once.
	diskGlance = time.Second
	// reopenSpace is how much has to be free for the server to be opened again, or a twentieth of
	// the disk if that is less.
	reopenSpace = 8 << 20
	// reopenPause and reopenMaxPause bound the time between two attempts, reopenPatience how long
	// they may all fail before the process ends, so that its supervisor starts it again.
	reopenPause    = 2 * time.Second
	reopenMaxPause = 30 * time.Second
	reopenPatience = 2 * time.Minute
	// calmAfter is how much more than the reserve has to be free for the disk to be well again, as
	// a part of the reserve.
	calmAfter = 10
)

// diskWatch looks after the embedded server and the disk under it: nats-server stores nothing more
// after a failed write, until it is opened again.
type diskWatch struct {
	nats    *embedded.Server
	dir     string
	reserve config.Reserve
	log     *slog.Logger
	failed  func(error) // is told of the store's failure
	woken   chan struct{}

	mu    sync.Mutex
	stuck error // why nothing is stored until the server is opened again
	ill   error // what else its health check says
	free  uint64
	total uint64
	low   bool
}

func newDisk(s *service) *diskWatch {
	return &diskWatch{
		dir: s.opts.Settings.Store.DataDir, reserve: s.opts.Settings.Store.DiskReserve, log: s.log,
		failed: s.gate.storeAttempted, woken: make(chan struct{}, 1),
	}
}

// wake has the server's health asked at once.
func (d *diskWatch) wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// run looks until ctx ends, and opens the server again when it has to be. It returns why that
// cannot be done.
func (d *diskWatch) run(ctx context.Context) error {
	tick := time.NewTicker(diskGlance)
	defer tick.Stop()
	var next, since time.Time
	pauses := pause.Doubling(reopenPause, reopenMaxPause, backoff.WithRandomizationFactor(0))
	for {
		d.look()
		if err := d.mayReopen(); err != nil && time.Now().After(next) {
			failed := d.reopen(ctx, err)
			next = time.Now().Add(pauses.NextBackOff())
			switch {
			case ctx.Err() != nil:
			case failed == nil:
				since = time.Time{}
			case since.IsZero():
				since = time.Now()
			case time.Since(since) > reopenPatience:
				return fmt.Errorf("%w, and it cannot be opened again: %w", err, failed)
			}
		} else if err == nil && time.Since(next) > reopenMaxPause {
			pauses.Reset()
		}
		select {
		case <-tick.C:
		case <-d.woken:
		case <-ctx.Done():
			return nil
		}
	}
}

// look asks the server and the disk, and reports what has changed.
func (d *diskWatch) look() {
	err := d.nats.Health()
	d.measure()
	d.mu.Lock()
	was, wasLow := d.stuck, d.low
	d.stuck, d.ill = nil, nil
	if errors.Is(err, embedded.ErrStuck) {
		d.stuck = err
	} else {
		d.ill = err
	}
	floor := d.reserve.Floor(d.total)
	d.low = d.total > 0 && (d.free < floor || d.low && d.free < floor+floor/calmAfter)
	stuck, low, free, total := d.stuck, d.low, d.free, d.total
	d.mu.Unlock()
	if stuck != nil && was == nil {
		d.failed(d.explain(stuck))
	}
	if low != wasLow {
		d.tellLow(low, free, total)
	}
}

// measure keeps how much room the disk has, where that is known.
func (d *diskWatch) measure() {
	free, total, err := d.nats.Space()
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free, d.total = free, total
}

func (d *diskWatch) tellLow(low bool, free, total uint64) {
	room := []any{"dir", d.dir, "free", size(free), "of", size(total), "reserve", d.reserve.String()}
	if low {
		d.log.Warn("the disk has little room left: make some before nothing can be stored", room...)
		return
	}
	d.log.Info("the disk has room again", room...)
}

// mayReopen returns why the server has to be opened again, if there is room enough for that to
// help.
func (d *diskWatch) mayReopen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.total > 0 && d.free < min(reopenSpace, d.total/20) {
		return nil
	}
	return d.stuck
}

func (d *diskWatch) reopen(ctx context.Context, why error) error {
	d.log.Warn("the embedded NATS server is closed and opened again, as it stores nothing more", "error", why)
	if err := d.nats.Reopen(ctx); err != nil {
		if ctx.Err() == nil {
			d.log.Error("the embedded NATS server cannot be opened again", "error", err)
		}
		return err
	}
	d.log.Info("the embedded NATS server is open again")
	d.look()
	return nil
}
