package budget

import "time"

const (
	// points is how many half hours a day has: at each of them meetings may begin.
	points = 48
	// startsKept is how many starts are remembered, more or less: older ones fade.
	startsKept = 200
	// soonest is how long after a list another one is worth anything, and stillTold how long after
	// a push.
	soonest   = 8 * time.Minute
	stillTold = 10 * time.Minute
	// worthList is how many starts are worth a list while pushes tell of all of them, compared with
	// how many there are in a usual half hour of office hours, under a limit as of the smallest
	// edition; and silentPart how much of that when no push came for longSilence and a half hour
	// alone has as many: the longer there was none, the likelier it is that none would come, as on
	// a morning.
	worthList   = 0.6
	silentPart  = 0.3
	longSilence = 3 * time.Hour
)

// starts is how many meetings began by the half hours of working days and of weekends, of late. A
// list soon after a half hour shows those that began since the one before.
type starts [2][points]float64

// point returns the half hour that a list has to follow to be the first to show a meeting that
// began at a time.
func point(began time.Time) (weekends, half int) {
	at := began.Add(halfHour - soonAfter[0] - 1)
	if weekend(slot(at)) {
		weekends = 1
	}
	return weekends, at.Hour()*2 + at.Minute()/30
}

// begin counts a start.
func (s *starts) begin(at time.Time) {
	k, half := point(at)
	s[k][half]++
}

// add counts others, too. Older ones fade.
func (s *starts) add(more starts) {
	sum := 0.0
	for k := range s {
		for half := range s[k] {
			s[k][half] += more[k][half]
			sum += s[k][half]
		}
	}
	if sum <= startsKept {
		return
	}
	for k := range s {
		for half := range s[k] {
			s[k][half] *= startsKept / sum
		}
	}
}

// subtract takes others off.
func (s *starts) subtract(others starts) {
	for k := range s {
		for half := range s[k] {
			s[k][half] -= others[k][half]
		}
	}
}

// weigh returns how likely it is that meetings begin at the half hours, one of usual office hours
// being 1. Each of those has begun one meeting before any is known.
func (s *starts) weigh() (weights starts) {
	sum, usual := 0.0, 0.0
	for k, days := range []float64{5, 2} {
		for half := range points {
			known := 0.4 * quietWeight
			if k == 0 && office(24+half/2) == 1 {
				known = 1
				usual++
			}
			weights[k][half] = s[k][half]*5/days + known
			if k == 0 {
				sum += weights[k][half]
			}
		}
	}
	for k := range weights {
		for half := range weights[k] {
			weights[k][half] *= usual / sum
		}
	}
	return weights
}

// next returns when to list the meetings while pushes tell of their starts: when so many as are
// worth it are to be expected to have begun since the last list or push. The first is when the time
// comes.
func (s *starts) next(listed, pushed time.Time, worth float64) time.Time {
	weights := s.weigh()
	from := later(listed, pushed)
	last := from.Add(longestListing)
	begun := 0.0
	for at := hourEnd(from).Add(soonAfter[0] - time.Hour); at.Before(last); at = at.Add(halfHour) {
		if !at.After(from) {
			continue
		}
		k, half := point(at)
		begun += weights[k][half]
		enough := worth
		if silent := silentPart * worth; at.Sub(pushed) > longSilence && weights[k][half] >= silent {
			enough = silent
		}
		if begun >= enough && at.Sub(listed) >= soonest && at.Sub(pushed) >= stillTold {
			return at
		}
	}
	return last
}
