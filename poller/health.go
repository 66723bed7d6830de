package poller

import (
	"maps"
	"sync"
)

// Reporter is told what fails and what works again. It is told of every failure: not to repeat itself is its task. It
// is safe for concurrent use.
type Reporter interface {
	Failed(key string, err error)
	OK(key string)
}

// A Forgetter is a [Reporter] that can also be told that it is no longer of interest whether something works. Its next
// failure is news again.
type Forgetter interface{ Forget(key string) }

// What failures are reported under.
const (
	areaUpstream = "dingtalk"             // no list can be read
	areaInfo     = "dingtalk information" // no meeting's information can be read
	areaLimit    = "dingtalk limit"       // calls have to wait
	areaStore    = "nats"
	areaLost     = "stored events" // what was stored was lost
	areaMeeting  = "meeting "      // one meeting that cannot be read
)

// outageAfter is how many calls of a kind in a row, whatever their meetings, have to fail before that is no matter of
// the single meetings any more.
const outageAfter = 3

// health knows what fails at present.
type health struct {
	reporter Reporter
	mu       sync.Mutex
	failing  map[string]string
	inARow   map[string]int // failed calls, by area
}

func (h *health) failed(area string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(area, err)
}

// note keeps and reports a failure. The caller holds mu.
func (h *health) note(area string, err error) {
	if h.failing == nil {
		h.failing = map[string]string{}
	}
	h.failing[area] = err.Error()
	if h.reporter != nil {
		h.reporter.Failed(area, err)
	}
}

// callFailed takes note of a call about one meeting. What fails for one meeting only is reported as such; of an outage
// nobody needs a report for each of ten thousand meetings.
func (h *health) callFailed(area, conferenceID string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inARow == nil {
		h.inARow = map[string]int{}
	}
	h.inARow[area]++
	if h.inARow[area] < outageAfter {
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
	if _, failing := h.failing[area]; !failing {
		return
	}
	delete(h.failing, area)
	if h.reporter != nil {
		h.reporter.OK(area)
	}
}

// forget drops what failed, when nobody is interested any more.
func (h *health) forget(area string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.failing, area)
	if f, ok := h.reporter.(Forgetter); ok {
		f.Forget(area)
	}
}

func (h *health) failures() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.failing)
}
