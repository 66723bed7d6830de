package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/poller/condition"
)

const (
	// diskGlance is how often the embedded server's health is asked and the disk is looked at. What the server logs as an
	// error has it done at once.
	diskGlance = time.Second
	// reopenSpace is how much has to be free for the server to be opened again, or a twentieth of the disk if that is less.
	reopenSpace = 8 << 20
	// reopenPause and reopenMaxPause bound the time between two attempts, reopenPatience how long they may all fail before
	// the process ends, for whoever started it to start it again.
	reopenPause    = time.Second
	reopenMaxPause = 30 * time.Second
	reopenPatience = 2 * time.Minute
	// diskFull is so little room that hardly anything can be stored.
	diskFull = 1 << 20
	// calmAfter is how much more than the reserve has to be free for the disk to be well again, as a part of the reserve.
	calmAfter = 10
)

// diskWatch looks after the embedded server and the disk under it: nats-server stores nothing more after a failed write, until
// it is opened again.
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

// run looks until ctx ends, and opens the server again when it has to be. It returns why that cannot be done.
func (d *diskWatch) run(ctx context.Context) error {
	tick := time.NewTicker(diskGlance)
	defer tick.Stop()
	pause, next, since := reopenPause, time.Time{}, time.Time{}
	for {
		d.look()
		if err := d.mayReopen(); err != nil && time.Now().After(next) {
			failed := d.reopen(ctx, err)
			pause = min(2*pause, reopenMaxPause)
			next = time.Now().Add(pause)
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
			pause = reopenPause
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

// mayReopen returns why the server has to be opened again, if there is room enough for that to help.
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

// errDiskFull is said without figures, so that it is the same for as long as it lasts.
var errDiskFull = errors.New("the disk is full: make room, then what waits is stored by itself")

// explain names the disk where it is the reason why something failed that has to do with the store.
func (d *diskWatch) explain(err error) error {
	if d == nil || err == nil {
		return err
	}
	d.measure()
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.full():
		return fmt.Errorf("%s: %w", d.dir, errDiskFull)
	case d.stuck != nil:
		return d.stuck
	}
	return err
}

// full tells whether hardly anything can be stored. The caller holds mu.
func (d *diskWatch) full() bool { return d.total > 0 && d.free < min(diskFull, d.total/20) }

// isReason tells whether the disk, or what became of the server on it, is a reason why nothing can be stored.
func (d *diskWatch) isReason() bool {
	if d == nil {
		return false
	}
	d.measure()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full() || d.stuck != nil
}

// checks says how the disk fares, and the server. That nothing can be stored is the store's check.
func (d *diskWatch) checks() []httpapi.Check {
	d.mu.Lock()
	defer d.mu.Unlock()
	room := httpapi.Check{Name: diskPart}
	if d.total > 0 {
		room.Note = size(d.free) + " free"
	}
	if d.low {
		room.Err = fmt.Errorf("%s: %s of %s are free, less than the reserve of %s: make room, or nothing can be stored soon",
			d.dir, size(d.free), size(d.total), d.reserve)
	}
	return []httpapi.Check{room, {Name: serverPart, Err: d.ill}}
}

// stopped tells why nothing is stored until the server is opened again.
func (d *diskWatch) stopped() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stuck
}

// size is a number of bytes for people.
func size(bytes uint64) string {
	unit, value := 0, float64(bytes)
	for units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}; ; unit++ {
		if value < 1024 || unit == len(units)-1 {
			return fmt.Sprintf("%.4g %s", value, units[unit])
		}
		value /= 1024
	}
}

// onDisk names the disk in reports of the store's failures where it is the reason. What fails in its wake, until something is
// stored again, is no news.
type onDisk struct {
	disk *diskWatch
	condition.Reporter

	mu   sync.Mutex
	said error
}

// Failed implements [condition.Reporter].
func (r *onDisk) Failed(what string, err error) {
	if what == storeArea {
		err = r.explain(err)
	}
	r.Reporter.Failed(what, err)
}

func (r *onDisk) explain(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said == nil && r.disk.isReason() {
		r.said = r.disk.explain(err)
	}
	return cmp.Or(r.said, err)
}

// OK implements [condition.Reporter].
func (r *onDisk) OK(what string) {
	if what == storeArea {
		r.mu.Lock()
		r.said = nil
		r.mu.Unlock()
	}
	r.Reporter.OK(what)
}

// Forget implements [condition.Forgetter].
func (r *onDisk) Forget(what string) { condition.Forget(r.Reporter, what) }
