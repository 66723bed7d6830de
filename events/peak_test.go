package events_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/events"
)

func TestPeak(t *testing.T) {
	for name, tt := range map[string]struct {
		spans [][2]int64
		want  int
	}{
		"nobody":                      {nil, 0},
		"one":                         {[][2]int64{{1, 5}}, 1},
		"one who is there still":      {[][2]int64{{1, 0}}, 1},
		"one after the other":         {[][2]int64{{1, 5}, {5, 9}}, 1},
		"together":                    {[][2]int64{{1, 5}, {4, 9}, {4, 0}}, 3},
		"of no length, alone":         {[][2]int64{{3, 3}}, 1},
		"of no length, within":        {[][2]int64{{3, 3}, {1, 5}}, 2},
		"of no length, twice":         {[][2]int64{{3, 3}, {3, 3}}, 2},
		"of no length, at a start":    {[][2]int64{{3, 3}, {3, 5}}, 2},
		"of no length, at an end":     {[][2]int64{{5, 5}, {3, 5}}, 1},
		"of no length, at a handover": {[][2]int64{{5, 5}, {3, 5}, {5, 8}}, 2},
		"that ends before it begins":  {[][2]int64{{5, 4}, {1, 9}}, 2},
	} {
		got := events.Peak(len(tt.spans), func(i int) (start, end int64) { return tt.spans[i][0], tt.spans[i][1] })
		assert.Equal(t, tt.want, got, name)
	}
}

// Whatever the attendances, their peak is what counting those of each millisecond gives.
func TestPeakByCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const last = 30
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int64 {
			from := rapid.Int64Range(1, last).Draw(t, "from")
			return [2]int64{from, rapid.Int64Range(from, last).Draw(t, "to")}
		}), 0, 8).Draw(t, "spans")
		most := 0
		for ms := range int64(last + 1) {
			here := 0
			for _, s := range spans {
				if s[0] == ms || s[0] < ms && ms < s[1] {
					here++
				}
			}
			most = max(most, here)
		}
		assert.Equal(t, most, events.Peak(len(spans), func(i int) (start, end int64) { return spans[i][0], spans[i][1] }))
	})
}
