package bot

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// clock is a time of day, in minutes from 00:00 to 24:00.
type clock int

const dayMinutes clock = 24 * 60

// UnmarshalYAML reads a time such as 07:30.
func (c *clock) UnmarshalYAML(node *yaml.Node) error {
	hours, minutes, found := strings.Cut(node.Value, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	*c = clock(h*60 + m)
	if !found || errH != nil || errM != nil || len(minutes) != 2 || m > 59 || *c > dayMinutes {
		return at(node, errors.New("want a time of day such as 07:30"))
	}
	return nil
}

// weekday is a day of the week.
type weekday time.Weekday

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// UnmarshalYAML reads a day such as mon.
func (d *weekday) UnmarshalYAML(node *yaml.Node) error {
	i := slices.Index(weekdays, strings.ToLower(node.Value))
	if i < 0 {
		return at(node, fmt.Errorf("want a day: one of %s", strings.Join(weekdays, ", ")))
	}
	*d = weekday(i)
	return nil
}

// period is a time of the day, on all days or on some, in which a robot says nothing. One that ends
// before it begins ends on the day after.
type period struct {
	From *clock    `yaml:"from"`
	To   *clock    `yaml:"to"`
	Days []weekday `yaml:"days"`
}

func (p period) check() error {
	switch {
	case p.From == nil || p.To == nil:
		return errors.New("needs from and to")
	case *p.From%dayMinutes == *p.To%dayMinutes && (*p.From != 0 || *p.To != dayMinutes):
		return errors.New("ends when it begins")
	}
	return nil
}

// covers tells whether a local time is within the period.
func (p period) covers(t time.Time) bool {
	now := clock(t.Hour()*60 + t.Minute())
	today, yesterday := t.Weekday(), (t.Weekday()+6)%7
	if *p.From < *p.To {
		return now >= *p.From && now < *p.To && p.on(today)
	}
	return now >= *p.From && p.on(today) || now < *p.To && p.on(yesterday)
}

func (p period) on(day time.Weekday) bool {
	return len(p.Days) == 0 || slices.Contains(p.Days, weekday(day))
}

// quiet are a robot's quiet hours.
type quiet struct {
	periods []period
	zone    *time.Location
	// drop says never to tell what happens in quiet hours. Otherwise it is told when they are over.
	drop bool
}

func (q quiet) at(t time.Time) bool {
	t = t.In(q.zone)
	return slices.ContainsFunc(q.periods, func(p period) bool { return p.covers(t) })
}
