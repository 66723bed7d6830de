package pace_test

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/poller/pace"
)

// fixed is a rate that can be changed.
type fixed struct{ perSecond float64 }

func (f *fixed) now() float64 { return f.perSecond }

// follow looks at a meeting whenever it is due, for a while; each look finds so many changes per
// second. It returns the last interval.
func follow(p *pace.Pacer, m *pace.Meeting, from, to float64, perSecond float64, people, calls int) time.Duration {
	left, waits := 0.0, p.Interval(m)
	for t := from; t < to; t += waits.Seconds() {
		left += perSecond * waits.Seconds()
		changes := math.Floor(left)
		left -= changes
		waits = p.Looked(m, pace.Look{Now: clock(t), Changes: int(changes), People: people, Calls: calls})
	}
	return waits
}

func TestInterval(t *testing.T) {
	tests := map[string]struct {
		perSecond     float64
		people, calls int
		least, most   time.Duration
	}{
		"nobody is there":              {0, 0, 1, time.Minute, time.Minute},
		"nothing happens":              {0, 10, 1, 30 * time.Second, time.Minute},
		"nothing happens to many":      {0, 300, 1, 30 * time.Second, time.Minute},
		"somebody every two minutes":   {1.0 / 120, 10, 1, 5 * time.Second, 20 * time.Second},
		"a crowd":                      {5, 300, 1, time.Second, time.Second},
		"a crowd and a very long list": {5, 9000, 100, 3 * time.Second, 10 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var m pace.Meeting
			got := follow(pace.New(pace.Options{}), &m, 0, 7200, test.perSecond, test.people, test.calls)
			assert.GreaterOrEqual(t, got, test.least)
			assert.LessOrEqual(t, got, test.most)
		})
	}
}

func TestIntervalIsShortestAtFirst(t *testing.T) {
	var m pace.Meeting
	assert.Equal(t, 3*time.Second, pace.New(pace.Options{MinInterval: 3 * time.Second}).Interval(&m))
}

func TestChangeIsFollowedByAnotherLookSoon(t *testing.T) {
	var m pace.Meeting
	p := pace.New(pace.Options{})
	quiet := follow(p, &m, 0, 3600, 0, 10, 1)
	moved := p.Looked(&m, pace.Look{Now: clock(3600), Changes: 1, People: 10})
	assert.Less(t, moved, quiet/5)
	assert.Greater(t, follow(p, &m, 3600, 3720, 0, 10, 1), 3*moved, "and then it is quiet again")
}

// TestScarceCallsAreAllUsed has ten times as many meetings as the rate is enough for. One in three
// is busier.
func TestScarceCallsAreAllUsed(t *testing.T) {
	p := newPaced(2)
	all := make([]pace.Meeting, 300)
	look := func(round int) {
		for i := range all {
			changes := 0
			if i%3 == 0 {
				changes = 2
			}
			p.Looked(&all[i], pace.Look{Now: clock(float64(round) * 200), Changes: changes, People: 5})
		}
	}
	for round := range 100 {
		look(round)
	}
	spent := 0.0
	for i := range all {
		spent += 1 / p.Interval(&all[i]).Seconds()
	}
	assert.InDelta(t, 1.5, spent, 0.05, "what information calls leave")
	assert.Less(t, p.Interval(&all[0]), p.Interval(&all[1])*2/3)
	assert.InDelta(t, 300/1.5*1.2, p.Interval(&all[1]).Seconds(), 1, "a quiet meeting waits little longer than by equal turns")
}

// TestRateMayChangeAtAnyTime lets the budget run out and come back: the next interval follows.
func TestRateMayChangeAtAnyTime(t *testing.T) {
	rate := &fixed{100}
	p := pace.New(pace.Options{Rate: rate.now})
	all := make([]pace.Meeting, 50)
	for i := range all {
		follow(p, &all[i], 0, 1000, 0.1, 10, 1)
	}
	plenty := p.Interval(&all[0])
	rate.perSecond = 0.5
	scarce := p.Interval(&all[0])
	assert.Greater(t, scarce, 20*plenty)
	for _, nothing := range []float64{0, -1, math.NaN(), math.SmallestNonzeroFloat64} {
		rate.perSecond = nothing
		assert.InDelta(t, scarce, p.Interval(&all[0]), float64(scarce/10), "%v", nothing)
	}
	rate.perSecond = 1e-6
	assert.Greater(t, p.Interval(&all[0]), 24*time.Hour)
	assert.Greater(t, p.Stretch(), 1000.0)
	rate.perSecond = 100
	assert.InDelta(t, plenty, p.Interval(&all[0]), float64(plenty/10))
}

func TestForgottenMeetingsCostNothing(t *testing.T) {
	p := newPaced(1)
	var stays pace.Meeting
	alone := p.Looked(&stays, pace.Look{Now: clock(0), Changes: 3, People: 10})
	all := make([]pace.Meeting, 1000)
	for i := range all {
		p.Looked(&all[i], pace.Look{Now: clock(0), Changes: i % 7, People: i, Calls: 1 + i%5})
	}
	assert.Greater(t, p.Interval(&stays), 10*alone)
	assert.Greater(t, p.Stretch(), 100.0)
	for i := range all {
		p.Forget(&all[i])
		p.Forget(&all[i])
	}
	assert.InDelta(t, alone, p.Interval(&stays), float64(time.Millisecond))
	assert.Equal(t, 1.0, p.Stretch())
}

func TestMeetingIsSmall(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(pace.Meeting{}), uintptr(64))
}

// TestPromises holds whatever may be seen to the bounds: no interval below the shortest, none above
// the longest but for the rate, and then none more than a bit above equal turns.
func TestPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shortest := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Hour)).Draw(t, "shortest"))
		longest := shortest + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))
		o := pace.Options{MinInterval: shortest, MaxInterval: longest}
		perSecond := rapid.Float64Range(0.01, 1000).Draw(t, "rate")
		if rapid.Bool().Draw(t, "limited") {
			o.Rate = func() float64 { return perSecond }
		}
		p := pace.New(o)
		all := make([]pace.Meeting, rapid.IntRange(1, 20).Draw(t, "meetings"))
		pages := make([]int, len(all))
		now := 0.0
		for range rapid.IntRange(1, 100).Draw(t, "looks") {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "meeting")
			if rapid.IntRange(0, 9).Draw(t, "forget") == 0 {
				p.Forget(&all[i])
				pages[i] = 0
				continue
			}
			now += rapid.Float64Range(-10, 1000).Draw(t, "later")
			pages[i] = rapid.IntRange(1, 20).Draw(t, "pages")
			wait := p.Looked(&all[i], pace.Look{
				Now: clock(now), Changes: rapid.IntRange(0, 1000).Draw(t, "changes"), People: rapid.IntRange(0, 10_000).Draw(t, "people"), Calls: pages[i],
			})
			fair := 0.0
			for _, n := range pages {
				fair += float64(n) * 1.2 / (perSecond * 0.75)
			}
			switch {
			case wait < shortest-1:
				t.Fatalf("%v is below %v", wait, shortest)
			case wait > longest && (o.Rate == nil || wait.Seconds() > fair*1.0001):
				t.Fatalf("%v is above %v, and equal turns take %v s", wait, longest, fair)
			case math.Abs(float64(p.Interval(&all[i])-wait)) > 1e-6*float64(wait)+2:
				t.Fatalf("%v, a moment later %v", wait, p.Interval(&all[i]))
			}
		}
	})
}
