package budget

import (
	"math"
	"time"
)

// Discovery spends in proportion to how likely it is that a meeting begins. Its spacing is measured
// in hours of the time in which meetings are most likely, so that a list before office hours does
// not put the next one beyond them.
const (
	// seekPart is the part of the month's calls that discovery may take while nothing tells of
	// starts: one of so many.
	seekPart = 2.8
	// insurePart is the same while pushes tell of all: then it only insures against their end.
	insurePart = 40
	// longestInsured is how long an end of the pushes goes unnoticed at most in hours in which
	// meetings begin, more or less, whatever the limit.
	longestInsured = 30 * time.Minute
	// emptyAfter is after how many hours in which no meeting was found at all discovery begins to
	// rest longer.
	emptyAfter = 0.7
	// longestListing bounds the time between two lists.
	longestListing = 24 * time.Hour
	// longestEmpty bounds how far back it counts that none was found.
	longestEmpty = 62 * 24 * time.Hour
)

// UntilList returns how long it is until the organisation's meetings may be listed again, as far as
// this replica knows, without asking NATS; 0 when they may be now. [Month.Take] refuses what comes
// sooner.
func (m *Month) UntilList() time.Duration {
	if m == nil || m.opts.Limit == 0 {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, _ := m.time()
	return m.untilList(now)
}

// untilList is UntilList. The caller holds mu.
func (m *Month) untilList(now time.Time) time.Duration {
	if m.known.month != monthOf(now) || m.known.Listed == 0 || m.known.listing(now) {
		return 0
	}
	return max(m.nextList(now).Sub(now), 0)
}

// nextList returns when the meetings are to be listed next. While pushes tell of starts, each of
// them is as good as a list, and what is left to be found by lists is that pushes have stopped, see
// [starts.next]. The caller holds mu.
func (m *Month) nextList(now time.Time) time.Time {
	in := m.opts.Location
	t := m.tallied(now)
	from := time.UnixMilli(m.known.Listed).In(in)
	hours := m.spacing(now, t) * float64(max(m.known.Pages, 1))
	if t.Announced >= 1-lastStart {
		pushed := time.UnixMilli(t.Pushed).In(in)
		if hours >= tight.Hours() {
			return m.hours.starts.next(from, pushed, worthList*hours/longestInsured.Hours())
		}
		from = later(from, pushed)
	}
	next := m.hours.after(from, hours)
	if gap := next.Sub(from); gap < tight { // a list when meetings have just begun is worth most
		if begun := justBegun(from.Add(gap / 2)); begun.Before(next) {
			return begun
		}
	} else if gap <= 2*halfHour { // else at the time nearest to it at which most of them have
		return nearestBegun(next)
	}
	return next
}

// nearestBegun returns the time nearest to t that is as long after the half hour as the first list
// after meetings have begun.
func nearestBegun(t time.Time) time.Time {
	hour := hourEnd(t).Add(-time.Hour)
	return hour.Add((t.Sub(hour) - soonAfter[0]).Round(halfHour) + soonAfter[0])
}

const (
	// tight is how close lists have to be for their times to be chosen by when meetings begin.
	tight = 15 * time.Minute
	// halfHour is what meetings begin and end on.
	halfHour = 30 * time.Minute
)

// soonAfter is how long after that those are listed which did.
var soonAfter = []time.Duration{150 * time.Second, 390 * time.Second}

// justBegun returns the next time after t at which meetings have just begun.
func justBegun(t time.Time) time.Time {
	hour := t.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	for start := hour; ; start = start.Add(halfHour) {
		for _, after := range soonAfter {
			if next := start.Add(after); next.After(t) {
				return next
			}
		}
	}
}

// spacing returns how many hours, of those in which meetings are most likely, to leave between two
// lists. The caller holds mu.
func (m *Month) spacing(now time.Time, t tally) float64 {
	m.hours.prepare()
	begin, end := bounds(now)
	whole, rest := m.hours.between(begin, end), m.hours.between(now, end)
	limit := float64(m.limit(now))
	spacing := seekPart * whole / limit
	if left := float64(m.left(now) - m.kept(Discovery, now)); left > 0 {
		spacing = max(spacing, seekPart*rest/left) // what was saved is not spent in a rush
	} else {
		return math.Inf(1)
	}
	if t.Begun == 0 && m.before.Begun == 0 && t.First > 0 {
		first := later(time.UnixMilli(t.First), now.Add(-longestEmpty)).In(m.opts.Location)
		return spacing * math.Sqrt(1+m.hours.between(first, time.UnixMilli(m.known.Listed))/emptyAfter)
	}
	insured := min(longestInsured.Hours(), insurePart*whole/limit)
	return max(min(spacing/math.Sqrt(1-t.Announced+1e-9), insured), spacing)
}

// likely returns how likely a meeting begins in each hour of the week, 1 being most. Single weeks
// tell little: an hour counts together with the same one of the other days of its kind, and with
// its neighbours.
func likely(weights [week]float64) (out [week]float64) {
	var days [week]float64
	for i := range days {
		sum, n := 0.0, 0.0
		for j := i % 24; j < week; j += 24 {
			if weekend(j) == weekend(i) {
				sum, n = sum+weights[j], n+1
			}
		}
		days[i] = (weights[i] + sum/n) / 2
	}
	usual, n := 0.0, 0.0
	for i := range out {
		out[i] = days[i]
		if office(i) == 1 {
			usual, n = usual+out[i], n+1
		}
	}
	busiest := 0.0
	for _, w := range out {
		busiest = max(busiest, w)
	}
	usual = max(usual/n, busiest/10)
	for i, w := range out {
		out[i] = flattened(w / usual)
	}
	return out
}

func weekend(slot int) bool {
	day := time.Weekday(slot / 24)
	return day == time.Saturday || day == time.Sunday
}

// flattened is how much an hour counts for discovery that sees x times as many meetings as usual:
// by the rule of the square root, but for hours that are quiet, of which there are many.
func flattened(x float64) float64 {
	const quiet, rest = 0.25, 0.4 * quietWeight
	switch {
	case x <= quietWeight:
		return x / quietWeight * rest
	case x < quiet:
		return rest + (x-quietWeight)/(quiet-quietWeight)*(math.Sqrt(quiet)-rest)
	default:
		return min(math.Sqrt(x), 1)
	}
}

// between returns how much of the time in which meetings are likely there is between two times, in
// hours.
func (h *hours) between(from, to time.Time) float64 { return weightOf(&h.seek, from, to) }

// after returns when so many hours of the time in which meetings are likely have passed, a day
// later at most.
func (h *hours) after(from time.Time, hours float64) time.Time {
	h.prepare()
	last := from.Add(longestListing)
	for t, long := range clockHours(from, last) {
		likely := h.seek[slot(t)]
		passes := likely * long.Hours()
		if passes >= hours {
			return earlier(t.Add(time.Duration(hours/likely*float64(time.Hour))), last)
		}
		hours -= passes
	}
	return last
}
