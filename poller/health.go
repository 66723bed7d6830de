package poller

import (
	"errors"
	"maps"
	"slices"

	"github.com/c4342123/rollcall/poller/condition"
	"github.com/c4342123/rollcall/poller/guarded"
)

// What failures are reported under.
const (
	areaUpstream = "dingtalk"             // no list can be read
	areaInfo     = "dingtalk information" // no meeting's information can be read
	areaLimit    = "dingtalk limit"       // calls have to wait
	areaStore    = "nats"                 // nothing can be stored
	areaFollow   = "nats following"       // what other replicas store cannot be followed
	areaReread   = "nats changes"         // what other replicas have stored cannot be read
	areaShards   = "nats shards"          // the states of shards that we took over cannot be read
	areaState    = "nats states"          // a look cannot read the state it begins with
	areaAudit    = "nats audit"           // it cannot be read which states are stored
	areaNeglect  = "other replicas"       // one has leases and does not look after the meetings
	areaLost     = "stored events"        // what was stored was lost
	areaMeeting  = "meeting: "            // one meeting that cannot be read
)

// outageAfter is how many calls of a kind have to fail in a row, of any meetings, for that to be an
// outage instead of a trouble of single meetings. All failures of a meeting that the app may not
// read count as one.
const outageAfter = 3

// health knows what fails at present.
type health struct{ faults *guarded.Value[faults] }

func newHealth(r condition.Reporter) *health {
	return &health{guarded.New(faults{
		reporter: r, failing: map[string]string{}, away: map[string]bool{}, suspected: map[string]error{}, inARow: map[string]row{},
	})}
}

// faults is what fails, while the lock of health is held.
type faults struct {
	reporter  condition.Reporter
	failing   map[string]string
	away      map[string]bool  // of what fails: whether the store cannot be reached
	suspected map[string]error // see suspect
	inARow    map[string]row   // calls that failed, by area
}

// row is what failed since the last call of its kind that succeeded.
type row struct {
	calls  int
	denied []string // meetings that the app may not read: each counts once
}

// add counts a failed call and tells whether there are so many that it is an outage.
func (r *row) add(conferenceID string, err error) bool {
	switch {
	case !isTrouble(err, Denied):
		r.calls++
	case len(r.denied) < outageAfter && !slices.Contains(r.denied, conferenceID):
		r.denied = append(r.denied, conferenceID)
	}
	return r.calls+len(r.denied) >= outageAfter
}

// failed keeps and reports a failure, and tells whether the area worked until now.
func (h *health) failed(area string, err error) bool {
	return guarded.Get(h.faults, func(f *faults) bool { return f.note(area, err) })
}

// unreachable is an error of a store that may say that the store cannot be reached.
type unreachable interface{ Unreachable() bool }

// note keeps and reports a failure, and tells whether the area worked until now. Errors that say
// that the store cannot be reached differ in words during one outage, which is reported once.
func (f *faults) note(area string, err error) bool {
	var u unreachable
	away := errors.As(err, &u) && u.Unreachable()
	_, before := f.failing[area]
	same := before && away && f.away[area]
	f.failing[area], f.away[area] = err.Error(), away
	if f.reporter != nil && !same {
		f.reporter.Failed(area, err)
	}
	return !before
}

// fails tells whether something fails at present.
func (h *health) fails(area string) bool {
	return guarded.Get(h.faults, func(f *faults) bool {
		_, failing := f.failing[area]
		return failing
	})
}

// suspect keeps a failure to read from the store until the next beat shows whether anything can be
// stored. While nothing can be stored, that is reported instead.
func (h *health) suspect(area string, err error) {
	h.faults.With(func(f *faults) {
		if _, failing := f.failing[areaStore]; !failing {
			f.suspected[area] = err
		}
	})
}

// suspects returns what is suspected, and forgets it.
func (h *health) suspects() map[string]error {
	return guarded.Get(h.faults, func(f *faults) map[string]error {
		out := f.suspected
		f.suspected = map[string]error{}
		return out
	})
}

// confirm reports failures that happened although the store works.
func (h *health) confirm(failures map[string]error) {
	h.faults.With(func(f *faults) {
		for area, err := range failures {
			f.note(area, err)
		}
	})
}

// callFailed notes that a call about one meeting failed. It is reported for that meeting or, if
// there are enough of them to be an outage, once for all.
func (h *health) callFailed(area, conferenceID string, err error) {
	h.faults.With(func(f *faults) {
		r := f.inARow[area]
		outage := r.add(conferenceID, err)
		f.inARow[area] = r
		if !outage {
			area = areaMeeting + conferenceID
		}
		f.note(area, err)
	})
}

// callOK notes that a call succeeded: calls of its kind work.
func (h *health) callOK(area string) {
	h.faults.With(func(f *faults) {
		delete(f.inARow, area)
		f.clear(area)
	})
}

func (h *health) ok(area string) {
	h.faults.With(func(f *faults) { f.clear(area) })
}

// clear reports that what failed works again.
func (f *faults) clear(area string) {
	delete(f.suspected, area)
	if _, failing := f.failing[area]; !failing {
		return
	}
	delete(f.failing, area)
	if f.reporter != nil {
		f.reporter.OK(area)
	}
}

// forget drops a failure that is of no interest any more.
func (h *health) forget(area string) {
	h.faults.With(func(f *faults) {
		delete(f.failing, area)
		if r, ok := f.reporter.(condition.Forgetter); ok {
			r.Forget(area)
		}
	})
}

func (h *health) failures() map[string]string {
	return guarded.Get(h.faults, func(f *faults) map[string]string { return maps.Clone(f.failing) })
}
