package shards

import "time"

// moment is a time by two clocks. The monotonic one may stand still while the machine is suspended,
// the wall clock may be set: neither alone tells how long something took. Moments of different
// processes are never compared.
type moment struct {
	mono time.Duration // since the process began
	wall time.Time     // without a monotonic reading
}

// began is where moments count from.
var began = time.Now()

func now() moment {
	t := time.Now()
	return moment{mono: t.Sub(began), wall: t.Round(0)}
}

// atMost returns the longest time that may have passed since an earlier moment.
func (m moment) atMost(earlier moment) time.Duration {
	return max(m.atLeast(earlier), m.wall.Sub(earlier.wall))
}

// atLeast returns a time that has passed since an earlier moment for certain.
func (m moment) atLeast(earlier moment) time.Duration { return m.mono - earlier.mono }
