package poller

import (
	"time"

	"github.com/c4342123/rollcall/diff"
)

// sighting is a moment at which a meeting was looked at, or since when it should have been. How long ago that is goes by
// the clock that nobody can set; the wall clock, which may be set meanwhile, only says when it was. The zero value stands
// for never.
type sighting struct {
	at    moment
	wall  int64     // Unix milliseconds
	known diff.Mark // what was known of the meeting then; the zero value for all that is known now
}

// clockDrift is how far the two clocks may drift apart without the wall clock having been set.
const clockDrift = time.Second

// sees is a sighting now, by whom the state is known.
func (c clock) sees(s *diff.State) sighting {
	out := sighting{at: c.now(), wall: c.wall().UnixMilli()}
	if s != nil {
		out.known = s.Mark()
	}
	return out
}

func (s sighting) never() bool { return s.wall == 0 }

// ago is how long ago the sighting was.
func (s sighting) ago(now sighting) time.Duration { return now.at - s.at }

// before is the sighting as it would have been earlier.
func (s sighting) before(d time.Duration) sighting {
	return sighting{at: s.at - d, wall: s.wall - d.Milliseconds(), known: s.known}
}

// gap is from when until when a meeting was out of sight, in Unix milliseconds. A wall clock that was set meanwhile makes
// it neither longer than it was, nor end before it began.
func (s sighting) gap(now sighting) (from, to int64) {
	from, to = s.wall, max(now.wall, s.wall)
	if lasted := s.ago(now); time.Duration(to-from)*time.Millisecond > lasted+clockDrift {
		from = to - lasted.Milliseconds()
	}
	return from, to
}

// until returns the later of the sighting and the end of a gap, in Unix milliseconds, when a meeting was in sight, too. An
// end that is later than now was told by another clock, and does not count.
func (s sighting) until(gapTo int64, now sighting) sighting {
	at := now.at - time.Duration(now.wall-gapTo)*time.Millisecond
	if s.never() || gapTo <= s.wall || gapTo > now.wall || at <= s.at {
		return s
	}
	return sighting{at: at, wall: gapTo, known: now.known}
}
