package simulator

import (
	"maps"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// Stats counts calls.
type Stats struct {
	Since   int64                     `json:"since"` // Unix milliseconds
	At      int64                     `json:"at"`    // Unix milliseconds
	Total   CallStats                 `json:"total"`
	Classes map[fault.Class]CallStats `json:"classes"`
	Faults  map[fault.Kind]uint64     `json:"faults"` // how often each kind struck
	// Members counts the calls for pages by meeting.
	Members map[string]uint64 `json:"members"`
	// Tokens is the number of different tokens handed out.
	Tokens int `json:"tokens"`
	// Month is the current calendar month in Beijing, MonthCalls what was spent in it, MonthLimit
	// what may be; 0 for no limit.
	Month      string `json:"month"`
	MonthCalls int    `json:"monthCalls"`
	MonthLimit int    `json:"monthLimit"`
	// Pushes counts what the platform sends by itself.
	Pushes PushStats `json:"pushes"`
}

// CallStats counts the calls of a class.
type CallStats struct {
	Calls uint64 `json:"calls"`
	// MaxPerSecond is the most calls that came within any second, counted up to 100,000.
	MaxPerSecond int `json:"maxPerSecond"`
	// Throttled is how many were rejected because of the documented limits, not by a fault.
	Throttled uint64 `json:"throttled"`
	// Statuses counts the replies by HTTP status; 0 stands for none.
	Statuses map[int]uint64 `json:"statuses"`
}

type classCount struct {
	CallStats
	window window
}

type stats struct {
	since   int64
	total   classCount
	classes map[fault.Class]*classCount
	faults  map[fault.Kind]uint64
	members map[string]uint64
}

func newStats(now int64) *stats {
	s := &stats{since: now, classes: map[fault.Class]*classCount{}, faults: map[fault.Kind]uint64{}, members: map[string]uint64{}}
	s.total.Statuses = map[int]uint64{}
	for _, class := range fault.Classes {
		s.classes[class] = &classCount{CallStats: CallStats{Statuses: map[int]uint64{}}}
	}
	return s
}

// arrived counts a call.
func (s *stats) arrived(class fault.Class, now time.Time) {
	for _, c := range []*classCount{&s.total, s.classes[class]} {
		c.Calls++
		n := c.window.count(now)
		if n < maxCallsPerSecond {
			c.window.add(now)
			c.MaxPerSecond = max(c.MaxPerSecond, n+1)
		}
	}
}

func (s *stats) throttled(class fault.Class) {
	s.total.Throttled++
	s.classes[class].Throttled++
}

// answered counts a reply; status 0 stands for none.
func (s *stats) answered(class fault.Class, status int) {
	s.total.Statuses[status]++
	s.classes[class].Statuses[status]++
}

func (s *stats) snapshot(l *limits, tokens int, at int64) Stats {
	out := Stats{
		Since: s.since, At: at, Total: s.total.copied(), Classes: map[fault.Class]CallStats{},
		Faults: maps.Clone(s.faults), Members: maps.Clone(s.members),
		Tokens: tokens, Month: l.month, MonthCalls: l.used, MonthLimit: l.perMonth,
	}
	for class, c := range s.classes {
		out.Classes[class] = c.copied()
	}
	return out
}

func (c *classCount) copied() CallStats {
	out := c.CallStats
	out.Statuses = maps.Clone(c.Statuses)
	return out
}
