package pace

import "math"

// What is to be expected of a meeting before anything is known of it, in changes per second: a
// reconnect of every person now and then, and somebody new.
const (
	changesPerPerson = 1.0 / 4000
	changesPerList   = 1.0 / 1000
)

const (
	// burst is how long, in seconds, a change lets others be expected at once: many come, and many
	// go, together. During it each change stands for burstSize more.
	burst     = 20.0
	burstSize = 2.0
	// beginning is for how many changes the first look of all stands: what it finds is of any age.
	beginning = 4.0
	// memory is how long, in seconds, it counts that there were more changes, or fewer, than were
	// to be expected.
	memory = 1800.0
	// priorWeight is how many changes weigh as much as what was to be expected.
	priorWeight = 1.0
)

// estimate is of a meeting's rate of change: of the changes that no push announces, so that a
// meeting whose pushes are alive is a quiet one.
//
// It is the mean of a gamma distribution, updated by what was seen (Poisson) and slowly forgotten,
// times what is expected of a meeting of this size; and on top of that, changes that call for more
// changes. Starts and ends on the half hour, and the age of the meeting, were tried as well: by
// measurement they add nothing to that, as the first look of a burst tells more.
type estimate struct {
	looked   int64   // the last look, Unix nanoseconds; 0 before the first
	rate     float64 // changes per second
	usual    float32 // changes per second to be expected of a meeting of its size
	recent   float32 // changes of late
	seen     float32 // changes, those long ago fading
	expected float32 // the same by usual
}

// saw takes in what a look found.
func (e *estimate) saw(s Look) {
	now := s.Now.UnixNano()
	passed := 0.0
	if e.looked != 0 {
		passed = max(float64(now-e.looked)/1e9, 0)
	}
	kept := math.Exp(-passed / memory)
	found := float64(max(s.Changes, 0))
	sudden := found
	if s.New {
		found, sudden = 0, beginning
	}
	recent := float64(e.recent)*math.Exp(-passed/burst) + sudden
	seen := float64(e.seen)*kept + found
	expected := float64(e.expected)*kept + float64(e.usual)*memory*(1-kept)
	usual := changesPerList + changesPerPerson*float64(max(s.People, 0))

	e.looked, e.usual = now, float32(usual)
	e.recent, e.seen, e.expected = float32(recent), float32(seen), float32(expected)
	e.rate = usual*(seen+priorWeight)/(expected+priorWeight) + burstSize*recent/burst
}
