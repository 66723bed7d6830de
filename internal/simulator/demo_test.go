package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDemoParses(t *testing.T) {
	sc, err := ParseScenario(demoYAML)
	require.NoError(t, err)
	assert.Len(t, sc.Meetings, 3)
}

func TestDemoTruth(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	now := start
	s, err := New(Options{Start: start, Now: func() time.Time { return now }})
	require.NoError(t, err)
	now = start.Add(time.Minute)
	t.Log(s.Truth().String())
	now = start.Add(time.Hour)
	tr := s.Truth()
	m, _ := tr.Meeting("lounge")
	t.Log(len(m.Events), m.Present)
}
