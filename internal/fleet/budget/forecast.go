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
	for t, long := range clockHours(now, end) {
		takes := perWeight * weights[slot(t)] * long.Hours()
		if takes > rest {
			return t.Add(time.Duration(rest / takes * float64(long)))
		}
		rest -= takes
	}
	return end
}
