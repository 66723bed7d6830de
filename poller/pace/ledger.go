package pace

// ledger adds up what the meetings want, so that they need not all be gone through.
type ledger struct {
	free     float64 // √(cost × rate of change), over the meetings whose interval the price makes
	bound    float64 // calls per second of the others
	cost     float64 // of a look at every meeting
	meetings int
}

// entry is what a meeting adds to the ledger, as of its last look.
type entry struct {
	cost  float32 // calls of a look; 0 while it adds nothing
	root  float32 // √(rate of change / cost)
	bound float32 // calls per second, if the price does not make its interval, else 0
}

// price is what makes the calls of all meetings add up to rate: those in the ledger and one more.
// The bounds may want more than there is; then the others still get a part of it.
func (l *ledger) price(e *entry, rate float64) float64 {
	const leastPart = 0.05
	return (l.free + float64(e.cost)*float64(e.root)) / max(rate-l.bound, leastPart*rate)
}

// add puts a meeting in that is looked at every so many seconds.
func (l *ledger) add(e *entry, wait float64, priced bool) {
	e.bound = 0
	if !priced {
		e.bound = float32(float64(e.cost) / wait)
	}
	l.put(*e, 1)
}

// remove takes a meeting out, if it is in.
func (l *ledger) remove(e *entry) {
	if e.cost == 0 {
		return
	}
	l.put(*e, -1)
	e.cost = 0
	if l.meetings == 0 { // what rounding left
		*l = ledger{}
	}
}

func (l *ledger) put(e entry, sign float64) {
	l.meetings += int(sign)
	l.cost += sign * float64(e.cost)
	l.bound += sign * float64(e.bound)
	if e.bound == 0 {
		l.free += sign * float64(e.cost) * float64(e.root)
	}
}
