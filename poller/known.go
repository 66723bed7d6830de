package poller

// Known returns the shards of which [Poller.Meetings] leaves nothing out at this moment: they are ours to look at, and
// their stored states have been read.
func (p *Poller) Known() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		return nil
	}
	return (p.complete & p.held & p.owned()).list()
}
