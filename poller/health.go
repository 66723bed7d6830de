package poller

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/c4342123/rollcall/poller/condition"
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
type health struct {
	reporter  condition.Reporter
	mu        sync.Mutex
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
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.note(area, err)
}

// unreachable is an error that may say that nothing is wrong but that the store cannot be reached.
type unreachable interface{ Unreachable() bool }

// note keeps and reports a failure, and tells whether the area worked until now. In what words it is told that something
// cannot be reached varies in the course of one outage, and is reported once. The caller holds mu.
func (h *health) note(area string, err error) bool {
	if h.failing == nil {
		h.failing, h.away = map[string]string{}, map[string]bool{}
	}
	var u unreachable
	away := errors.As(err, &u) && u.Unreachable()
	_, before := h.failing[area]
	same := before && away && h.away[area]
	h.failing[area], h.away[area] = err.Error(), away
	if !same {
		h.reporter.Failed(area, err)
	}
	return !before
}

// fails tells whether something fails at present.
func (h *health) fails(area string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, failing := h.failing[area]
	return failing
}

// suspect keeps a failure until it is known whether it is a matter of its own. While nothing can be stored it is none.
func (h *health) suspect(area string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, failing := h.failing[areaStore]; failing {
		return
	}
	if h.suspected == nil {
		h.suspected = map[string]error{}
	}
	h.suspected[area] = err
}

// suspects returns what is suspected, and suspects it no longer.
func (h *health) suspects() map[string]error {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.suspected
	h.suspected = nil
	return out
}

// confirm reports failures that turned out to be matters of their own.
func (h *health) confirm(failures map[string]error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for area, err := range failures {
		h.note(area, err)
	}
}

// callFailed takes note of a call about one meeting. What fails for one meeting only is reported as such; of an outage
// nobody needs a report for each of ten thousand meetings.
func (h *health) callFailed(area, conferenceID string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inARow == nil {
		h.inARow = map[string]row{}
	}
	r := h.inARow[area]
	outage := r.add(conferenceID, err)
	h.inARow[area] = r
	if !outage {
		area = areaMeeting + conferenceID
	}
	h.note(area, err)
}

// callOK takes note of a call that succeeded: those of its kind work.
func (h *health) callOK(area string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.inARow, area)
	h.clear(area)
}

func (h *health) ok(area string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clear(area)
}

// clear reports that what failed works again. The caller holds mu.
func (h *health) clear(area string) {
	delete(h.suspected, area)
	if _, failing := h.failing[area]; !failing {
		return
	}
	delete(h.failing, area)
	h.reporter.OK(area)
}

// forget drops what failed, when nobody is interested any more.
func (h *health) forget(area string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.failing, area)
	condition.Forget(h.reporter, area)
}

func (h *health) failures() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.failing)
}
