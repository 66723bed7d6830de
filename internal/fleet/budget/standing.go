package budget

import "time"

// Standing is how something stands that a calendar month has so much of.
type Standing struct {
	// Limit is how much the month has, 0 without a limit; Used and Left are what was used of it and
	// what was not.
	Limit, Used, Left int
	// Told says that the limit is not as set: upstream said that no more was left when so much was
	// used.
	Told bool
	// Lasts is until when it lasts if it is used as it was so far; End is the end of the month.
	Lasts, End time.Time
}

// RunsOut tells whether it is used up before the month ends.
func (s Standing) RunsOut() bool { return s.Limit > 0 && s.Lasts.Before(s.End) }

// Pushes returns how the pushes of the month stand, the messages of robots included.
func (u *Usage) Pushes() Standing {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.standing(u.pushes())
}

// pushes is how many pushes there are and were used. The caller holds mu.
func (u *Usage) pushes() Standing {
	known := u.latest()
	s := Standing{Limit: known.Pushes, Used: known.pushed()}
	switch told := u.before.Told; {
	case known.Told > 0:
		s.Limit, s.Told = known.Told, true
	case told > s.Used && (s.Limit == 0 || told < s.Limit):
		s.Limit, s.Told = told, true
	}
	return s
}

// nearQuota is how near to the month's pushes their count may come before it is to be expected that
// there are none any more: one part of so many of them. Those that got lost, and those of other
// programs, are not in our count. As far beyond, pushes that still come show that there are more.
const nearQuota = 20

// PushesTell tells whether what pushes do not tell of can be relied on not to have happened, as far
// as their count goes: not when they are used up, or nearly so.
func (u *Usage) PushesTell() bool { return u == nil || !u.runOut.Load() }

// judgePushes decides what PushesTell returns. The caller holds mu.
func (u *Usage) judgePushes() {
	known, s := u.latest(), u.pushes()
	near := s.Limit > 0 && max(s.Limit-s.Used, s.Used-s.Limit) <= s.Limit/nearQuota
	u.runOut.Store(near || known.Told > 0 || u.told == known.month)
}

// Calls completes how the calls of the month stand. Those without a limit are counted here.
func (u *Usage) Calls(of State) Standing {
	u.mu.Lock()
	defer u.mu.Unlock()
	if of.Limit == 0 {
		known := u.latest()
		s := Standing{Used: known.Used[Call]}
		if known.Calls.counts(u.now()) {
			s.Limit, s.Used, s.Told = known.Calls.Told, min(s.Used, known.Calls.Told), true
		}
		return u.standing(s)
	}
	return u.standing(Standing{Limit: of.Limit, Used: max(of.Limit-of.Left, 0), Told: of.Told})
}

// standing adds what is left, and until when that lasts. The caller holds mu.
func (u *Usage) standing(s Standing) Standing {
	now := u.now()
	_, s.End = bounds(now)
	s.Lasts = s.End
	if s.Limit == 0 {
		return s
	}
	if s.Left = max(s.Limit-s.Used, 0); s.Left == 0 {
		s.Lasts = now
		return s
	}
	s.Lasts = lasts(&u.weights, s.Used, s.Left, time.UnixMilli(u.latest().Begun).In(u.opts.Location), now)
	return s
}
