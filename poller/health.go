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
	areaFollow   = "nats following"       // what others store is not heard of
	areaReread   = "nats changes"         // what others have stored cannot be read
	areaShards   = "nats shards"          // the states of shards that have become ours cannot be read
	areaState    = "nats states"          // a look cannot read the state it begins with
	areaAudit    = "nats audit"           // it cannot be read whether states are stored still
	areaLost     = "stored events"        // what was stored was lost
	areaMeeting  = "meeting: "            // one meeting that cannot be read
)

// outageAfter is how many calls of a kind in a row, whatever their meetings, have to fail before that is no matter of
// the single meetings any more. Of a meeting that may not be read, any number is one.
const outageAfter = 3

// health knows what fails at present.
type health struct{ faults *guarded.Value[faults] }

func newHealth(r condition.Reporter) *health {
	return &health{guarded.New(faults{
		reporter: r, failing: map[string]string{}, away: map[string]bool{}, suspected: map[string]error{}, inARow: map[string]row{},
	})}
}

// faults are what fails, as who holds the lock of health sees it.
type faults struct {
	reporter  condition.Reporter
	failing   map[string]string
	away      map[string]bool  // of what fails: because it cannot be reached
	suspected map[string]error // what could not be read since the last beat began
	inARow    map[string]row   // failed calls, by area
}

// row is what failed since the last call of its kind that succeeded.
type row struct {
	calls  int
	denied []string // meetings that the app may not read: of each, all calls are one
}

// add takes note of a failed call and tells whether there are too many to be the matter of single meetings.
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

// unreachable is an error that may say that nothing is wrong but that the store cannot be reached.
type unreachable interface{ Unreachable() bool }

// note keeps and reports a failure, and tells whether the area worked until now. In what words it is told that something
// cannot be reached varies in the course of one outage, and is reported once.
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

// suspect keeps a failure until it is known whether it is a matter of its own. While nothing can be stored it is none.
func (h *health) suspect(area string, err error) {
	h.faults.With(func(f *faults) {
		if _, failing := f.failing[areaStore]; !failing {
			f.suspected[area] = err
		}
	})
}

// suspects returns what is suspected, and suspects it no longer.
func (h *health) suspects() map[string]error {
	return guarded.Get(h.faults, func(f *faults) map[string]error {
		out := f.suspected
		f.suspected = map[string]error{}
		return out
	})
}

// confirm reports failures that turned out to be matters of their own.
func (h *health) confirm(failures map[string]error) {
	h.faults.With(func(f *faults) {
		for area, err := range failures {
			f.note(area, err)
		}
	})
}

// callFailed takes note of a call about one meeting. What fails for one meeting only is reported as such; of an outage
// nobody needs a report for each of ten thousand meetings.
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

// callOK takes note of a call that succeeded: those of its kind work.
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

// forget drops what failed, when nobody is interested any more.
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
