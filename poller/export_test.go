package poller

import (
	"time"

	"github.com/c4342123/rollcall/poller/guarded"
)

// Table tells how many meetings are in the table, guests included.
func (p *Poller) Table() int {
	return guarded.Get(p.table, func(t *locked) int { return len(t.meetings) })
}

// ShortenGaps has a gap announced after so long already; it is to be called before Run.
func (p *Poller) ShortenGaps(to time.Duration) { p.shortestGap = to }
