package simulator

import (
	"maps"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// PushStats counts pushes.
type PushStats struct {
	// Month is the current calendar month in Beijing, MonthPushes what was pushed in it, MonthLimit
	// what may be; 0 for no limit.
	Month       string `json:"month"`
	MonthPushes int    `json:"monthPushes"`
	MonthLimit  int    `json:"monthLimit"`
	// Ways are the webhook and the stream.
	Ways map[fault.Class]WayStats `json:"ways"`
	// Connections is how many stream connections are open, Connected how many ever were.
	Connections int    `json:"connections"`
	Connected   uint64 `json:"connected"`
}

// WayStats counts the pushes on one way.
type WayStats struct {
	Pushes uint64 `json:"pushes"` // that there were, the lost ones too
	// Sent counts every attempt, forgeries too. Each is Acknowledged or Refused, if only by
	// silence.
	Sent         uint64 `json:"sent"`
	Acknowledged uint64 `json:"acknowledged"`
	Refused      uint64 `json:"refused"`
	// GivenUp is how many have been refused for good, forgeries not counted.
	GivenUp uint64 `json:"givenUp"`
	// OverQuota is how many there would have been, had the month's not been used up.
	OverQuota uint64 `json:"overQuota"`
	// Dropped is how many the simulator could not keep waiting.
	Dropped uint64 `json:"dropped"`
}

// pushCount is what the simulator remembers of its pushes.
type pushCount struct {
	limit     int
	month     string
	used      int
	ways      map[fault.Class]WayStats
	connected uint64
}

func newPushCount(s PushSettings) *pushCount {
	return &pushCount{limit: s.Monthly, ways: map[fault.Class]WayStats{fault.ClassWebhook: {}, fault.ClassStream: {}}}
}

// take spends one push of the month's, and says whether there was one left.
func (c *pushCount) take(now time.Time) bool {
	if month := now.In(beijing).Format("2006-01"); month != c.month {
		c.month, c.used = month, 0
	}
	if c.limit > 0 && c.used >= c.limit {
		return false
	}
	c.used++
	return true
}

func (c *pushCount) snapshot(connections int) PushStats {
	return PushStats{
		Month: c.month, MonthPushes: c.used, MonthLimit: c.limit,
		Ways: maps.Clone(c.ways), Connections: connections, Connected: c.connected,
	}
}

// counted changes the numbers of one way.
func (s *Simulator) counted(class fault.Class, change func(*WayStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushes.count(class, change)
}

func (c *pushCount) count(class fault.Class, change func(*WayStats)) {
	way := c.ways[class]
	change(&way)
	c.ways[class] = way
}
