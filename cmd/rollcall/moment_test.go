package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseMoment(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	now := time.Date(2026, 8, 3, 12, 0, 0, 0, zone)
	for text, want := range map[string]string{
		"10m":                       "2026-08-03T11:50:00+08:00",
		"48h":                       "2026-08-01T12:00:00+08:00",
		"0":                         "2026-08-03T12:00:00+08:00",
		"2026-08-03T01:30:00Z":      "2026-08-03T09:30:00+08:00",
		"2026-08-03T01:30:00.25Z":   "2026-08-03T09:30:00.25+08:00",
		"2026-08-03T09:30:00+02:00": "2026-08-03T15:30:00+08:00",
		"2026-08-03T09:30:05":       "2026-08-03T09:30:05+08:00",
		"2026-08-03T09:30":          "2026-08-03T09:30:00+08:00",
		"2026-08-03 09:30:05":       "2026-08-03T09:30:05+08:00",
		"2026-08-03 09:30":          "2026-08-03T09:30:00+08:00",
		"2026-08-01":                "2026-08-01T00:00:00+08:00",
		"09:30":                     "2026-08-03T09:30:00+08:00",
		"09:30:05":                  "2026-08-03T09:30:05+08:00",
	} {
		got, err := parseMoment(text, now)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.In(zone).Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"", "soon", "-5m", "25:00", "2026-13-01", "1700000000"} {
		_, err := parseMoment(text, now)
		assert.ErrorContains(t, err, "neither how long ago", text)
	}
}
