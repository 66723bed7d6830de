package poller

import "github.com/c4342123/rollcall/poller/guarded"

// Table tells how many meetings are in the table, guests included.
func (p *Poller) Table() int {
	return guarded.Get(p.table, func(t *locked) int { return len(t.meetings) })
}
