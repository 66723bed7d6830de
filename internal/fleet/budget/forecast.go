package budget

import "time"

// enoughGone is the part of a month's working time after which its use tells how it will go on.
const enoughGone = 0.01

// lasts returns until when what is left lasts if it is used on as it was since begun, hour by hour
// of the week: the end of the month where it lasts longer, and where so little has gone by that
// nothing is known yet. Times are where months begin.
func lasts(weights *[week]float64, used, left int, begun, now time.Time) time.Time {
	begin, end := bounds(now)
	if begun.Before(begin) {
		begun = begin
	}
	gone := weightOf(weights, begun, now)
	if used <= 0 || gone < enoughGone*weightOf(weights, begin, end) {
		return end
	}
	perWeight := float64(used) / gone
	rest := float64(left)
	for t := now; t.Before(end); {
		next := earlier(t.Truncate(time.Hour).Add(time.Hour), end)
		takes := perWeight * weightOf(weights, t, next)
		if takes > rest {
			return t.Add(time.Duration(rest / takes * float64(next.Sub(t))))
		}
		rest -= takes
		t = next
	}
	return end
}

// weightOf returns how much the hours between two times weigh.
func weightOf(weights *[week]float64, from, to time.Time) (sum float64) {
	for t := from; t.Before(to); {
		next := earlier(t.Truncate(time.Hour).Add(time.Hour), to)
		sum += weights[slot(t)] * next.Sub(t).Hours()
		t = next
	}
	return sum
}
