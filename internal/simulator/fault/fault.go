package fault

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// Fault makes calls or pushes go wrong: the next Next of them, or each with Probability, or all
// when neither is given.
type Fault struct {
	ID    int     `yaml:"-" json:"id,omitempty"` // given by the simulator
	Kind  Kind    `yaml:"kind" json:"kind"`
	Calls []Class `yaml:"calls,omitempty,flow" json:"calls,omitempty"` // all classes it can hit when empty
	// Meeting limits the fault to calls and pushes that name this meeting.
	Meeting     string  `yaml:"meeting,omitempty" json:"meeting,omitempty"`
	Next        int     `yaml:"next,omitempty" json:"next,omitempty"`
	Probability float64 `yaml:"probability,omitempty" json:"probability,omitempty"`
	// From and To bound the fault, counted from the scenario's start or, in the control API, from
	// now, and compressed by Speed; without To it lasts.
	From history.Duration `yaml:"from,omitempty" json:"from,omitempty"`
	To   history.Duration `yaml:"to,omitempty" json:"to,omitempty"`

	Status     int              `yaml:"status,omitempty" json:"status,omitempty"`         // HTTP status of the replies above
	Delay      history.Duration `yaml:"delay,omitempty" json:"delay,omitempty"`           // real time, for delays
	RetryAfter int              `yaml:"retryAfter,omitempty" json:"retryAfter,omitempty"` // seconds, sent as a header with any kind
	Bytes      int64            `yaml:"bytes,omitempty" json:"bytes,omitempty"`           // for the huge ones; 64 MiB when 0
	Share      float64          `yaml:"share,omitempty" json:"share,omitempty"`           // of rows; a half when 0
	Fields     []string         `yaml:"fields,omitempty,flow" json:"fields,omitempty"`    // for MissingFields
}

const (
	// Max bounds how many faults there can be.
	Max          = 1000
	defaultHuge  = 64 << 20
	maxHugeBytes = int64(1) << 40
)

// Validate says what is wrong with a fault, at is where it stands. The error wraps
// [history.ErrScenario].
func (f Fault) Validate(at string) error {
	spec, ok := specs[f.Kind]
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s (%s): %s", history.ErrScenario, at, f.Kind, fmt.Sprintf(format, args...))
	}
	switch {
	case !ok:
		return wrong("no such kind; there are %s", strings.Join(Kinds(), ", "))
	case f.Next < 0:
		return wrong("next is negative")
	case !history.IsShare(f.Probability):
		return wrong("probability is %v, not between 0 and 1", f.Probability)
	case f.Next > 0 && f.Probability > 0:
		return wrong("next and probability exclude each other")
	case !history.IsShare(f.Share):
		return wrong("share is %v, not between 0 and 1", f.Share)
	case f.To != 0 && f.To <= f.From:
		return wrong("it ends at %s, not after it begins at %s", f.To, f.From)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return wrong("status %d is no HTTP status of a reply", f.Status)
	case f.Status != 0 && spec.status == 0:
		return wrong("it has no status to change")
	case (f.Kind == Delay || f.Kind == PushDelayed) && f.Delay <= 0:
		return wrong("delay is missing")
	case f.RetryAfter < 0 || f.RetryAfter > math.MaxInt32:
		return wrong("retryAfter is out of range")
	case f.Bytes < 0 || f.Bytes > maxHugeBytes:
		return wrong("bytes is not between 0 and %d", maxHugeBytes)
	}
	for _, class := range f.Calls {
		if class != ClassRobot && !slices.Contains(Classes, class) && !slices.Contains(PushClasses, class) {
			return wrong("no calls of class %q; there are %v, %v and %s", class, Classes, PushClasses, ClassRobot)
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
	if !specs[f.Kind].fits(class) {
		return false
	}
	return len(f.Calls) == 0 || slices.Contains(f.Calls, class)
}

// HTTPStatus returns the status of a fault that takes the reply's place; 0 when there is no reply.
func (f Fault) HTTPStatus() int {
	if f.Status != 0 {
		return f.Status
	}
	return specs[f.Kind].status
}

// Size returns the bytes of a huge reply or frame.
func (f Fault) Size() int64 { return cmp.Or(f.Bytes, defaultHuge) }

// share returns the part of the rows that a fault damages.
func (f Fault) share() float64 { return cmp.Or(f.Share, 0.5) }

// ValidateAll says what is wrong with the first bad one of some faults, or with their number; where
// names them. The error wraps [history.ErrScenario].
func ValidateAll(faults []Fault, where string) error {
	if len(faults) > Max {
		return fmt.Errorf("%w: more than %d %s", history.ErrScenario, Max, where)
	}
	for i, f := range faults {
		if err := f.Validate(fmt.Sprintf("%s[%d]", where, i)); err != nil {
			return err
		}
	}
	return nil
}
