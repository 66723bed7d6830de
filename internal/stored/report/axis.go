package report

import (
	"strconv"
	"time"
)

// breakWidth is how wide the time between two periods is drawn, in parts of the whole.
const breakWidth = 0.03

// maxBreaks is how many of those there may be before the periods are drawn as one time.
const maxBreaks = 8

// maxTicks is how many times of day stand along the axis.
const maxTicks = 8

// maxSeconds is how many there are when they are told to the second, which takes more room.
const maxSeconds = 5

// axis places times along a line: the periods in proportion, the times between them as narrow
// breaks.
type axis struct {
	periods []Period
	total   float64 // milliseconds of all periods
	breaks  float64 // the part of the line that the breaks take
}

func newAxis(periods []Period) axis {
	if len(periods) > maxBreaks+1 {
		periods = []Period{{periods[0].StartTime, periods[len(periods)-1].EndTime}}
	}
	return axis{periods: periods, total: float64(max(length(periods), 1)), breaks: breakWidth * float64(max(len(periods)-1, 0))}
}

// place is where on the line a time is, from 0 to 1. A time outside the periods is moved to their
// nearest end.
func (a axis) place(ms int64) float64 {
	at := 0.0
	for i, p := range a.periods {
		if i > 0 {
			at += breakWidth
		}
		if ms <= p.EndTime {
			return min(at+float64(max(ms-p.StartTime, 0))/a.total*(1-a.breaks), 1)
		}
		at += float64(p.EndTime-p.StartTime) / a.total * (1 - a.breaks)
	}
	return min(at, 1)
}

// labelWidth is how wide a character of a label is at most, in parts of the line.
const labelWidth = 0.0105

// steps are the distances of times of day that people find round.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// tick is a time of day along the axis.
type tick struct {
	At    string // where, in percent
	Label string
	Align string // how the label stands to the place: start, middle or end
	Minor bool   // can be left out where it is narrow
}

// ticks are the round times in the periods, by the reader's clock.
func (r *Report) ticks(a axis) []tick {
	round := roundStep(time.Duration(a.total) * time.Millisecond)
	layout := "15:04"
	if round < time.Minute {
		layout = time.TimeOnly
	}
	if round >= 24*time.Hour || !r.oneDay() {
		layout = "2 Jan 15:04"
	}
	var out []tick
	free := 0.0 // where the next label can stand
	for i, p := range a.periods {
		for _, at := range r.roundTimes(p, round, i == len(a.periods)-1) {
			t, from, to := newTick(a.place(at.UnixMilli()), label(at, layout), len(out)%2 == 1)
			if from >= free {
				out, free = append(out, t), to
			}
		}
	}
	return out
}

// roundStep is how far apart the times along a line of that length stand.
func roundStep(total time.Duration) time.Duration {
	for _, s := range steps {
		most := maxTicks
		if s < time.Minute {
			most = maxSeconds
		}
		if s >= total/time.Duration(most) {
			return s
		}
	}
	return total / maxTicks // of a meeting of weeks
}

// label writes a time with its distance from UTC, as short as there is room for.
func label(t time.Time, layout string) string {
	if _, offset := t.Zone(); offset%3600 != 0 {
		return t.Format(layout + "-07:00")
	}
	return t.Format(layout + "-07")
}

// roundTimes are those of one period, or its beginning when there is none.
func (r *Report) roundTimes(p Period, step time.Duration, last bool) []time.Time {
	from, to := r.at(p.StartTime), r.at(p.EndTime)
	var out []time.Time
	for t := roundClock(from.Add(step/2-time.Millisecond), step); t.Before(to) || last && t.Equal(to); t = roundClock(t.Add(step), step) {
		if !t.Before(from) {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		out = append(out, from)
	}
	return out
}

// roundClock is the time nearest to t at which the clock on the wall is round.
func roundClock(t time.Time, step time.Duration) time.Time {
	_, offset := t.Zone()
	shift := time.Duration(offset) * time.Second
	return t.Add(shift).Round(step).Add(-shift)
}

// newTick also tells from where to where the label takes the line.
func newTick(place float64, label string, minor bool) (t tick, from, to float64) {
	t = tick{At: percentOf(place), Label: label, Align: "middle", Minor: minor}
	width := float64(len(label)) * labelWidth
	from = place - width/2
	switch {
	case place < 0.04:
		t.Align, from = "start", place
	case place > 0.96:
		t.Align, from = "end", place-width
	}
	return t, max(from, 0), from + width
}

func (r *Report) oneDay() bool {
	n := len(r.Periods)
	return n == 0 || sameDay(r.at(r.Periods[0].StartTime), r.at(r.Periods[n-1].EndTime))
}

// percentOf writes a part of the whole as SVG has it, to a thousandth of a percent.
func percentOf(part float64) string {
	return strconv.FormatFloat(float64(int64(part*1e5+0.5))/1e3, 'f', -1, 64) + "%"
}
