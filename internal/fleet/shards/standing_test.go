package shards

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLeasesRunOutByTheFasterOfTwoClocks(t *testing.T) {
	t.Parallel()
	const ttl = 3 * time.Second
	sent := moment{mono: time.Hour, wall: time.Unix(1_800_000_000, 0)}
	for name, tt := range map[string]struct {
		mono, wall time.Duration
		want       bool
	}{
		"at once":                         {0, 0, true},
		"just in time":                    {2699 * time.Millisecond, 2699 * time.Millisecond, true},
		"a margin before others take it":  {2700 * time.Millisecond, 2700 * time.Millisecond, false},
		"paused":                          {time.Hour, time.Hour, false},
		"suspended: one clock stood":      {time.Millisecond, time.Hour, false},
		"the wall clock was set back":     {2699 * time.Millisecond, -time.Hour, true},
		"the wall clock was set back far": {2700 * time.Millisecond, -time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := standing{mine: Every, sent: sent, renewed: true}
			assert.Equal(t, tt.want, s.good(moment{mono: sent.mono + tt.mono, wall: sent.wall.Add(tt.wall)}, ttl))
		})
	}
	never := standing{mine: Every}
	assert.False(t, never.good(moment{}, ttl), "nothing was accepted yet")
}

func TestNowHasTwoClocks(t *testing.T) {
	t.Parallel()
	a := now()
	b := now()
	assert.GreaterOrEqual(t, b.atLeast(a), time.Duration(0))
	assert.GreaterOrEqual(t, b.atMost(a), b.atLeast(a))
	assert.NotContains(t, a.wall.String(), "m=", "no monotonic reading")
}
