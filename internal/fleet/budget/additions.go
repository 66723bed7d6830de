package budget

import "time"

// additions are what happened in a month and is not stored.
type additions struct {
	used    [kinds]int
	told    bool      // that there are no pushes left
	refused time.Time // until when calls are; zero when upstream refused none
}

func (u *Usage) edit(known *usage, a additions) {
	for k, n := range a.used {
		known.Used[k] += n
	}
	if known.Begun == 0 {
		known.Begun = u.opts.Now().UnixMilli()
	}
	if u.opts.Pushes >= 0 {
		known.Pushes = u.opts.Pushes
	}
	switch {
	case a.used[Push] > 0:
		known.Told = 0 // there are pushes again, so more were bought
	case a.told && known.Told == 0:
		known.Told = max(known.pushed(), 1)
	}
	if until := a.refused.UnixMilli(); !a.refused.IsZero() && until > known.Calls.Until {
		if known.Calls.Told == 0 || anotherLimit(known.Calls.Until, until) {
			known.Calls.Told = max(known.Used[Call], 1)
		}
		known.Calls.Until = until
	}
}
