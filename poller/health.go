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

// What failures are reported under.
const (
	areaUpstream = "dingtalk"
	areaStore    = "nats"
	areaMeeting  = "meeting " // one meeting that cannot be read
)

// health knows what fails at present.
type health struct {
	reporter Reporter
	mu       sync.Mutex
	failing  map[string]string
}

func (h *health) failed(area string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing == nil {
		h.failing = map[string]string{}
	}
	h.failing[area] = err.Error()
	if h.reporter != nil {
		h.reporter.Failed(area, err)
	}
}

func (h *health) ok(area string) {
	h.mu.Lock()
	defer h.mu.Unlock()
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
}

func (h *health) failures() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.failing)
}
