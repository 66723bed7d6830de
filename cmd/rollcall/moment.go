package main

import (
	"fmt"
	"time"
)

// moments are the accepted layouts of a time; the last two have no date and mean today.
var moments = []struct {
	layout string
	today  bool
}{
	{time.RFC3339Nano, false},
	{"2006-01-02T15:04:05", false},
	{"2006-01-02T15:04", false},
	{time.DateTime, false},
	{"2006-01-02 15:04", false},
	{time.DateOnly, false},
	{time.TimeOnly, true},
	{"15:04", true},
}

// parseMoment reads a time: how long ago, or when, by the reader's own clock unless it says
// otherwise.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, m := range moments {
		at, err := time.ParseInLocation(m.layout, text, now.Location())
		switch {
		case err != nil:
			continue
		case m.today:
			return time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), now.Location()), nil
		default:
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither how long ago, such as 90m, nor a time such as 2026-08-03T09:30, 09:30 or 2026-08-03", text)
}
