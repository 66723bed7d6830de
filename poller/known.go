package poller

import "github.com/c4342123/rollcall/poller/guarded"

// Known returns the shards of which [Poller.Meetings] lists every meeting at this moment: they are
// ours, and their stored states have been read.
func (p *Poller) Known() []int {
	return guarded.Get(p.table, func(t *locked) []int {
		if !t.loaded {
			return nil
		}
		return (t.complete & t.held & t.owned()).list()
	})
}
