package budget

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhenTheMeetingsWereLastListed is known to all, over restarts.
func TestWhenTheMeetingsWereLastListed(t *testing.T) {
	w, url := at(t, "2026-11-10 17:00"), startServer(t)
	sight := func() *Sight {
		s, err := OpenSight(t.Context(), connect(t, url), SightOptions{Now: w.time})
		require.NoError(t, err)
		return s
	}
	one, two := sight(), sight()
	last, office, err := one.Unseen(t.Context())
	require.NoError(t, err)
	assert.True(t, last.IsZero())
	assert.Zero(t, office)
	require.NoError(t, one.Saw(t.Context()))
	w.pass(seenEvery - time.Second)
	require.NoError(t, one.Saw(t.Context()))
	last, _, err = two.Unseen(t.Context())
	require.NoError(t, err)
	assert.True(t, last.Equal(chinaTime(t, "2026-11-10 17:00")), "not stored more often than necessary")
	w.pass(time.Second)
	require.NoError(t, two.Saw(t.Context()))
	w.pass(-10 * time.Minute) // a replica whose clock is behind
	require.NoError(t, one.Saw(t.Context()))
	w.pass(10*time.Minute + 17*time.Hour) // the next day at 10:01
	last, office, err = sight().Unseen(t.Context())
	require.NoError(t, err)
	assert.True(t, last.Equal(chinaTime(t, "2026-11-10 17:01")))
	assert.Equal(t, 2*time.Hour, office)
}

func TestOfficeHoursAreThoseThatAreLearned(t *testing.T) {
	usual := new(habits).weigh()
	friday, monday := chinaTime(t, "2026-11-06 17:30"), chinaTime(t, "2026-11-09 09:15")
	assert.Equal(t, 45*time.Minute, officeTime(&usual, friday, monday))
	assert.Zero(t, officeTime(&usual, monday, friday))
	var night [week]float64
	for i := range night {
		if i%24 < 2 {
			night[i] = 8
		} else {
			night[i] = 1
		}
	}
	assert.Equal(t, 6*time.Hour, officeTime(&night, friday, monday))
}

func TestOfficeHoursBeginByTheClockOnTheWall(t *testing.T) {
	india := time.FixedZone("", 5*3600+1800)
	monday := time.Date(2026, 11, 30, 8, 45, 0, 0, india)
	weights := new(habits).weigh()
	assert.Equal(t, 15*time.Minute, officeTime(&weights, monday, monday.Add(30*time.Minute)))
	assert.InDelta(t, 0.25+0.25*quietWeight, weightOf(&weights, monday, monday.Add(30*time.Minute)), 1e-9)
}
