package poller

// Table tells how many meetings are in the table, guests included.
func (p *Poller) Table() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.meetings)
}
