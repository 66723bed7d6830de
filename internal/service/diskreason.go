package service

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/poller/condition"
)

// diskFull is so little room, in bytes, that hardly anything can be stored.
const diskFull = 1 << 20

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

// isReason tells whether the disk, or what became of the server on it, is a reason why nothing can
// be stored.
func (d *diskWatch) isReason() bool {
	if d == nil {
		return false
	}
	d.measure()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full() || d.stuck != nil
}

// checks says the state of the disk, and of the server. That nothing can be stored is the store's
// check.
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

// onDisk names the disk in reports of the store's failures where it is the reason. What fails
// because of that, until something is stored again, is reported as the same failure.
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
