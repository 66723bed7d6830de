package diff

import "time"

// LookTime is when a meeting was looked at, or since when it should have been. How long ago that is
// goes by a clock that cannot be set; the wall clock, which may be set meanwhile, only says when it
// was. The zero value stands for never.
type LookTime struct {
	Steady time.Duration // since some moment, by a clock that never goes back
	Wall   int64         // Unix milliseconds
	// What was known of the meeting then; the zero value for all that is known now.
	Known Mark
}

// clockDrift is how far the two clocks may drift apart without the wall clock having been set.
const clockDrift = time.Second

// Never tells whether the meeting was never looked at.
func (t LookTime) Never() bool { return t.Wall == 0 }

// Ago is how long before now that was.
func (t LookTime) Ago(now LookTime) time.Duration { return now.Steady - t.Steady }

// Earlier is the time by so much earlier.
func (t LookTime) Earlier(d time.Duration) LookTime {
	return LookTime{Steady: t.Steady - d, Wall: t.Wall - d.Milliseconds(), Known: t.Known}
}

// Gap is from when until when a meeting was not looked at, in Unix milliseconds. A wall clock that
// was set meanwhile makes it neither longer than it was, nor end before it began.
func (t LookTime) Gap(now LookTime) (from, to int64) {
	from, to = t.Wall, max(now.Wall, t.Wall)
	if lasted := t.Ago(now); time.Duration(to-from)*time.Millisecond > lasted+clockDrift {
		from = to - lasted.Milliseconds()
	}
	return from, to
}

// Later returns the later of t and the end of a gap, in Unix milliseconds, as the meeting was
// looked at then, too. An end that is later than now was told by another clock, and does not count.
func (t LookTime) Later(gapTo int64, now LookTime) LookTime {
	at := now.Steady - time.Duration(now.Wall-gapTo)*time.Millisecond
	if t.Never() || gapTo <= t.Wall || gapTo > now.Wall || at <= t.Steady {
		return t
	}
	return LookTime{Steady: at, Wall: gapTo, Known: now.Known}
}
