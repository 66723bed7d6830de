package history

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const lively = `{seed: 7, meetings: [{id: m, churn: {people: 10, guests: 1, phones: 1, every: 1s, kicks: 0.2, calls: 0.3, devices: 0.3}}]}`

func TestChurnIsTheSameHoweverOftenAnybodyLooks(t *testing.T) {
	often, clock := play(t, lively)
	for d := time.Duration(0); d < 5*time.Minute; d += 331 * time.Millisecond {
		clock.at(d)
		often.truth()
	}
	clock.at(5 * time.Minute)
	once, clock := play(t, lively)
	clock.at(5 * time.Minute)
	want := expectedEvents(t, once, "m")
	assert.Greater(t, len(want), 150)
	assert.Equal(t, want, expectedEvents(t, often, "m"))

	another, clock := play(t, lively, func(p *Playing) { p.Seed = 8 })
	clock.at(5 * time.Minute)
	assert.NotEqual(t, want, expectedEvents(t, another, "m"))
}

func TestTimeGoesBackwards(t *testing.T) {
	s, clock := play(t, lively)
	clock.at(5 * time.Minute)
	before, rows := expectedEvents(t, s, "m"), list(s, "m")
	clock.at(time.Hour)
	s.truth()
	clock.at(5 * time.Minute)
	assert.Equal(t, before, expectedEvents(t, s, "m"))
	assert.Equal(t, rows, list(s, "m"))
}

func TestChurnStaysAlive(t *testing.T) {
	s, clock := play(t, lively)
	seen := map[string]int{}
	for minute := range 120 {
		clock.at(time.Duration(minute) * time.Minute)
		m, _ := s.truth().Meeting("m")
		if minute > 0 {
			assert.Greater(t, m.Present, 0, "minute %d", minute)
		}
		seen = map[string]int{}
		for _, e := range m.Events {
			seen[e.Event]++
		}
	}
	assert.Greater(t, seen["joined"], 1000)
	assert.Greater(t, seen["kicked"], 100)
	assert.Greater(t, seen["left"], seen["kicked"])
}

func TestChurnStopsWithTheMeeting(t *testing.T) {
	s, clock := play(t, lively)
	clock.at(time.Minute)
	_, _, err := s.do("m", LiveAction{Do: End})
	require.NoError(t, err)
	want := expectedEvents(t, s, "m")
	clock.at(time.Hour)
	assert.Equal(t, want, expectedEvents(t, s, "m"))
	m, _ := s.truth().Meeting("m")
	assert.Zero(t, m.Present)
}

func TestChurnStopsWhenTheHistoryIsFull(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, rejoin: add, churn: {people: 4, every: 1ms, gap: 1ms}}]}`)
	clock.at(48 * time.Hour)
	m, _ := s.truth().Meeting("m")
	assert.Positive(t, m.Present)
	assert.LessOrEqual(t, len(list(s, "m")), maxRows)
	assert.LessOrEqual(t, len(s.byID["m"].history), maxActions)
}

func TestChurnLeavesLivePlansAlone(t *testing.T) {
	s, clock := play(t, lively)
	_, _, err := s.do("m",
		LiveAction{Do: Join, Person: "crowd-3", At: epoch + 60_000},
		LiveAction{Do: Kick, Person: "crowd-3", At: epoch + 120_000})
	require.NoError(t, err)
	clock.at(5 * time.Minute)
	m, _ := s.truth().Meeting("m")
	for _, p := range m.People {
		if p.UnionID == "crowd-3" {
			assert.Equal(t, AttendanceTruth{epoch + 60_000, epoch + 120_000, "kicked"}, p.Attendances[0])
			return
		}
	}
	require.Fail(t, "crowd-3 never came")
}
