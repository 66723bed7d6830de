package report

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestPlaces(t *testing.T) {
	a := newAxis([]Period{{1000, 2000}, {5000, 8000}})
	for ms, want := range map[int64]float64{0: 0, 1000: 0, 1500: 0.12125, 2000: 0.2425, 3000: 0.2725, 5000: 0.2725, 6500: 0.63625, 8000: 1, 9000: 1} {
		assert.InDelta(t, want, a.place(ms), 1e-9, ms)
	}
	assert.Zero(t, newAxis(nil).place(5))
	assert.Zero(t, newAxis([]Period{{5, 5}}).place(5))
	many := make([]Period, 50)
	for i := range many {
		many[i] = Period{int64(i) * 100, int64(i)*100 + 1}
	}
	assert.InDelta(t, 0.5, newAxis(many).place(2450), 0.01, "so many breaks would leave no room")
}

// Later is further to the right, and nothing lies outside.
func TestPlacesAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var periods []Period
		at := int64(0)
		for range rapid.IntRange(0, 12).Draw(t, "periods") {
			from := at + rapid.Int64Range(1, 1000).Draw(t, "pause")
			at = from + rapid.Int64Range(0, 1000).Draw(t, "length")
			periods = append(periods, Period{from, at})
		}
		a, before := newAxis(periods), 0.0
		for ms := int64(-5); ms < at+5; ms += rapid.Int64Range(1, 200).Draw(t, "step") {
			place := a.place(ms)
			assert.GreaterOrEqual(t, place, before-1e-9)
			assert.LessOrEqual(t, place, 1.0)
			before = place
		}
	})
}

func TestTicks(t *testing.T) {
	for name, c := range map[string]struct {
		minutes []float64 // begin and end of each period
		zone    time.Duration
		want    []string
	}{
		"half an hour":   {[]float64{0, 30}, 0, []string{"09:00+00", "09:05+00", "09:10+00", "09:15+00", "09:20+00", "09:25+00", "09:30+00"}},
		"a moment":       {[]float64{0.1, 0.2}, 0, []string{"09:00:06+00", "09:00:08+00", "09:00:10+00", "09:00:12+00"}},
		"no time at all": {[]float64{0.1, 0.1}, 0, []string{"09:00:06+00"}},
		"not round":      {[]float64{1, 62}, 0, []string{"09:10+00", "09:20+00", "09:30+00", "09:40+00", "09:50+00", "10:00+00"}},
		"hours, in half a zone": {
			[]float64{0, 600},
			5*time.Hour + 30*time.Minute,
			[]string{"3 Aug 16:00+05:30", "3 Aug 18:00+05:30", "3 Aug 20:00+05:30", "3 Aug 22:00+05:30", "4 Aug 00:00+05:30"},
		},
		"days":        {[]float64{0, 5 * 24 * 60}, 0, []string{"4 Aug 00:00+00", "5 Aug 00:00+00", "6 Aug 00:00+00", "7 Aug 00:00+00", "8 Aug 00:00+00"}},
		"two periods": {[]float64{0, 10, 60, 70}, 0, []string{"09:00+00", "09:05+00", "10:00+00", "10:05+00", "10:10+00"}},
	} {
		t.Run(name, func(t *testing.T) {
			var r Report
			for i := 0; i < len(c.minutes); i += 2 {
				r.Periods = append(r.Periods, Period{at(c.minutes[i]), at(c.minutes[i+1])})
			}
			r.Style.Location = time.FixedZone("", int(c.zone.Seconds()))
			var got []string
			for _, tick := range r.ticks(newAxis(r.Periods)) {
				got = append(got, tick.Label)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestFit(t *testing.T) {
	for text, want := range map[string]string{
		"short": "short", "exactly ten": "exactly t…", "ten chars!": "ten chars!", "很长很长很长": "很长很长…", "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧": "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧…",
	} {
		assert.Equal(t, want, fit(text, 10))
	}
	assert.Equal(t, "很长      |", pad("很长", 10)+"|")
}
