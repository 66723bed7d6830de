package budget

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chinaTime is a time in China.
func chinaTime(t testing.TB, text string) time.Time { return at(t, text).now }

func TestOfficeHoursUntilSomethingIsLearned(t *testing.T) {
	var h hours
	// November 2026 has 21 weekdays of nine hours, and the rest of its 720 hours weighs a
	// twentieth.
	working := 21*9 + (720-21*9)*quietWeight
	monday := chinaTime(t, "2026-11-02 10:00")
	gone := (24+9)*quietWeight + 1
	assert.InDelta(t, 5000/(working-gone)/3600, h.pace(5000, monday), 1e-9)
	assert.InDelta(t, h.pace(5000, monday)*quietWeight, h.pace(5000, monday.Add(9*time.Hour)), h.pace(5000, monday)*0.01,
		"in the evening a twentieth of that")
	assert.InDelta(t, 1, h.leftPart(chinaTime(t, "2026-11-01 00:00")), 1e-9)
	assert.InDelta(t, 0.5, h.leftPart(chinaTime(t, "2026-11-16 12:00")), 0.05)
	assert.InDelta(t, 0, h.leftPart(chinaTime(t, "2026-11-30 23:59")), 0.001)
}

func TestThePaceLastsToTheEndOfTheMonth(t *testing.T) {
	zones := map[string]*time.Location{
		"China": china, "half an hour off": time.FixedZone("", 5*3600+1800),
	}
	for name, zone := range zones {
		t.Run(name, func(t *testing.T) {
			var h hours
			left := 5000.0
			begin, end := bounds(time.Date(2026, time.February, 1, 0, 0, 0, 0, zone))
			for now := begin; now.Before(end); now = now.Add(20 * time.Minute) {
				require.Positive(t, left, now)
				pace := h.pace(left, now)
				require.Positive(t, pace)
				left -= pace * (20 * time.Minute).Seconds()
			}
			assert.InDelta(t, 0, left, 1e-6)
		})
	}
}

func TestHabitsAreLearned(t *testing.T) {
	h := new(habits)
	begin := chinaTime(t, "2026-11-01 00:00")
	for hour := range 5 * week { // an office that works at night
		now := begin.Add(time.Duration(hour) * time.Hour)
		h.add(hourOf(now), 0, china)
		if now.Hour() >= 20 {
			h.add(hourOf(now), 60, china)
			h.add(hourOf(now), 40, china)
		}
	}
	weights := h.weigh()
	night, day := weights[slot(chinaTime(t, "2026-12-01 21:00"))], weights[slot(chinaTime(t, "2026-12-01 11:00"))]
	assert.Greater(t, night, 2*day)
	assert.Positive(t, day)
	var hs hours
	hs.set(weights)
	assert.Greater(t, hs.pace(5000, chinaTime(t, "2026-12-07 21:30")), 2*hs.pace(5000, chinaTime(t, "2026-12-07 11:30")))
}

func TestNewHabitsReplaceOldOnes(t *testing.T) {
	h := new(habits)
	hour := hourOf(chinaTime(t, "2026-11-02 10:00"))
	for range 3 {
		h.add(hour, 100, china)
		hour += week
	}
	h.add(hour, 0, china)
	monday := slot(chinaTime(t, "2026-11-02 10:00"))
	assert.InDelta(t, 100, *h.Weights[monday], 1e-9)
	for range 3 {
		hour += week
		h.add(hour, 0, china)
	}
	assert.InDelta(t, 100*math.Pow(1-newPart, 3), *h.Weights[monday], 1e-9)
	h.add(hour-week, 8, china)
	assert.InDelta(t, 100*math.Pow(1-newPart, 3)+8*newPart, *h.Weights[monday], 1e-9, "late")
	h.add(hour-1, 8, china)
	assert.Nil(t, h.Weights[monday-1], "late, and of an hour without a past")
}

func TestHoursWithoutAPastAreWeighedLikeOthers(t *testing.T) {
	h := new(habits)
	assert.Equal(t, 1.0, h.weigh()[slot(chinaTime(t, "2026-11-02 10:00"))])
	monday := hourOf(chinaTime(t, "2026-11-02 10:00"))
	h.add(monday, 600, china)
	h.add(monday+1, 0, china)
	weights := h.weigh()
	assert.InDelta(t, 600, weights[slot(chinaTime(t, "2026-11-03 10:00"))], 1e-9)
	assert.InDelta(t, 600*quietWeight, weights[slot(chinaTime(t, "2026-11-03 22:00"))], 1e-9)
	idle := new(habits)
	for hour := range int64(2 * week) {
		idle.add(monday+hour, 0, china)
	}
	assert.Equal(t, new(habits).weigh(), idle.weigh(), "who never wants anything has no habits")
}

func BenchmarkPace(b *testing.B) {
	var h hours
	now := chinaTime(b, "2026-11-02 10:00")
	for b.Loop() {
		h.pace(5000, now)
	}
}
