package simulator

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
)

// Fault makes calls or pushes go wrong: the next Next of them, or each with Probability, or all when neither is given.
type Fault struct {
	ID    int       `yaml:"-" json:"id,omitempty"` // given by the simulator
	Kind  FaultKind `yaml:"kind" json:"kind"`
	Calls []Class   `yaml:"calls,omitempty,flow" json:"calls,omitempty"` // all classes it can hit when empty
	// Meeting limits the fault to calls and pushes that name this meeting.
	Meeting     string  `yaml:"meeting,omitempty" json:"meeting,omitempty"`
	Next        int     `yaml:"next,omitempty" json:"next,omitempty"`
	Probability float64 `yaml:"probability,omitempty" json:"probability,omitempty"`
	// From and To bound the fault, counted from the scenario's start or, in the control API, from now, and
	// compressed by Speed; without To it lasts.
	From Duration `yaml:"from,omitempty" json:"from,omitempty"`
	To   Duration `yaml:"to,omitempty" json:"to,omitempty"`

	Status     int      `yaml:"status,omitempty" json:"status,omitempty"`         // HTTP status of the replies above
	Delay      Duration `yaml:"delay,omitempty" json:"delay,omitempty"`           // real time, for delays
	RetryAfter int      `yaml:"retryAfter,omitempty" json:"retryAfter,omitempty"` // seconds, sent as a header with any kind
	Bytes      int64    `yaml:"bytes,omitempty" json:"bytes,omitempty"`           // for the huge ones; 64 MiB when 0
	Share      float64  `yaml:"share,omitempty" json:"share,omitempty"`           // of rows; a half when 0
	Fields     []string `yaml:"fields,omitempty,flow" json:"fields,omitempty"`    // for FaultMissingFields
}

const (
	maxFaults    = 1000
	maxHugeBytes = int64(1) << 40
)

// validate says what is wrong with a fault, at is where it stands.
func (f Fault) validate(at string) error {
	spec, ok := faultSpecs[f.Kind]
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s (%s): %s", ErrScenario, at, f.Kind, fmt.Sprintf(format, args...))
	}
	switch {
	case !ok:
		return wrong("no such kind; there are %s", strings.Join(FaultKinds(), ", "))
	case f.Next < 0:
		return wrong("next is negative")
	case !isShare(f.Probability):
		return wrong("probability is %v, not between 0 and 1", f.Probability)
	case f.Next > 0 && f.Probability > 0:
		return wrong("next and probability exclude each other")
	case !isShare(f.Share):
		return wrong("share is %v, not between 0 and 1", f.Share)
	case f.To != 0 && f.To <= f.From:
		return wrong("it ends at %s, not after it begins at %s", f.To, f.From)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return wrong("status %d is no HTTP status of a reply", f.Status)
	case f.Status != 0 && spec.status == 0:
		return wrong("it has no status to change")
	case (f.Kind == FaultDelay || f.Kind == FaultPushDelayed) && f.Delay <= 0:
		return wrong("delay is missing")
	case f.RetryAfter < 0 || f.RetryAfter > math.MaxInt32:
		return wrong("retryAfter is out of range")
	case f.Bytes < 0 || f.Bytes > maxHugeBytes:
		return wrong("bytes is not between 0 and %d", maxHugeBytes)
	}
	for _, class := range f.Calls {
		if class != ClassRobot && !slices.Contains(classes, class) && !slices.Contains(pushClasses, class) {
			return wrong("no calls of class %q; there are %v, %v and %s", class, classes, pushClasses, ClassRobot)
		}
		if !spec.fits(class) {
			return wrong("it does not happen to calls of class %q", class)
		}
	}
	return nil
}

// hits says whether the fault is meant for calls of this class, about this meeting ("" for none).
func (f Fault) hits(class Class, meeting string) bool {
	if f.Meeting != "" && f.Meeting != meeting {
		return false
	}
	if !faultSpecs[f.Kind].fits(class) {
		return false
	}
	return len(f.Calls) == 0 || slices.Contains(f.Calls, class)
}

// status returns the HTTP status of a fault that takes the reply's place.
func (f Fault) status() int {
	if f.Status != 0 {
		return f.Status
	}
	return faultSpecs[f.Kind].status
}

// share returns the part of the rows that a fault damages.
func (f Fault) share() float64 {
	if f.Share == 0 {
		return 0.5
	}
	return f.Share
}

// retryHeader sets the Retry-After header the fault asks for.
func (f Fault) retryHeader(h http.Header) {
	if f.RetryAfter > 0 {
		h.Set("Retry-After", fmt.Sprint(f.RetryAfter))
	}
}
