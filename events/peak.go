package events

import (
	"cmp"
	"slices"
)

// Peak is the most of n attendances at one time. span gives when each began and ended, in Unix
// milliseconds; one that ends at 0 is open. At the same millisecond an end comes before a start,
// but an attendance of no length, whose person was there after all, counts together with everybody
// who was there then.
func Peak(n int, span func(i int) (start, end int64)) int {
	const ends, starts, endsAtOnce = 0, 1, 2
	type step struct {
		at   int64
		rank int
	}
	steps := make([]step, 0, 2*n)
	for i := range n {
		start, end := span(i)
		steps = append(steps, step{start, starts})
		switch {
		case end == 0:
		case end > start:
			steps = append(steps, step{end, ends})
		default:
			steps = append(steps, step{start, endsAtOnce})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
	present, most := 0, 0
	for _, s := range steps {
		if s.rank == starts {
			present++
			most = max(most, present)
		} else {
			present--
		}
	}
	return most
}
