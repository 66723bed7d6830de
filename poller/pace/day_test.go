package pace_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// dayKind is a kind of day. Times are in seconds after midnight.
type dayKind struct {
	meetings int
	starts   []float64 // weight of every half hour from nine o'clock on
	offset   float64   // of the usual start from the half hour
	regular  float64   // share of the meetings that start and end by the clock
	lengths  []float64 // in minutes, equally likely
	overrun  float64   // standard deviation of the end, in seconds
	size     float64   // median number of people, log-normal
	spread   float64   // sigma of the size
	flicker  float64   // reconnects of one person in an hour
}

var (
	// office has its meetings on the half hour, most of them in the late morning and after lunch.
	office = dayKind{
		meetings: 1600, starts: []float64{4, 8, 20, 8, 8, 4, 2, 3, 6, 5, 16, 7, 8, 6, 5, 3, 2, 1}, regular: 0.85,
		lengths: []float64{15, 30, 30, 30, 45, 60, 60, 60, 90, 120}, overrun: 200, size: 5, spread: 1.1, flicker: 0.5,
	}
	// steady spreads them over the day and lets them begin five minutes late and end five minutes
	// early.
	steady = dayKind{
		meetings: 1600, starts: []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, offset: 300, regular: 0.6,
		lengths: []float64{25, 50, 50, 80}, overrun: 200, size: 10, spread: 0.7, flicker: 0.5,
	}
	// school has most of its lessons begin at the same two times, with many people and bad lines.
	school = dayKind{
		meetings: 1600, starts: []float64{0, 0, 10, 1, 0, 0, 0, 0, 0, 0, 10, 1}, regular: 0.85,
		lengths: []float64{45, 60, 90}, overrun: 300, size: 15, spread: 1.2, flicker: 1.5,
	}
)

// conference is a meeting of a day as it really goes.
type conference struct {
	start, end float64   // when the first one came and the last one left
	changes    []change  // in order
	arrivals   []float64 // when each person was listed first, in order
	rates      []float64 // changes per second to be expected, by steps from ratesFrom on
	ratesFrom  float64
}

// change is somebody coming (+1) or going (-1).
type change struct {
	at    float64
	delta int
}

const (
	rateStep  = 5.0
	rateLead  = 600.0
	rateTail  = 1800.0
	rateDraws = 400
	mostSize  = 500
)

// day draws the meetings of a day, ordered by their start.
func (k *dayKind) day(seed uint64) []*conference {
	r := rand.New(rand.NewPCG(seed, 17))
	out := make([]*conference, k.meetings)
	for i := range out {
		out[i] = k.conference(r)
	}
	slices.SortFunc(out, func(a, b *conference) int { return cmp.Compare(a.start, b.start) })
	return out
}

// plan is what the people of a meeting go by.
type plan struct{ start, end, flicker float64 }

func (k *dayKind) plan(r *rand.Rand) plan {
	start := 9*3600 + float64(pick(r, k.starts))*1800 + k.offset
	length := k.lengths[r.IntN(len(k.lengths))] * 60
	if r.Float64() > k.regular {
		start += r.Float64() * 1800
		length *= 0.5 + r.Float64()
	}
	return plan{start: start, end: start + max(length+r.NormFloat64()*k.overrun, 300), flicker: k.flicker}
}

func (k *dayKind) conference(r *rand.Rand) *conference {
	p := k.plan(r)
	people := min(max(int(math.Exp(math.Log(k.size)+k.spread*r.NormFloat64())+0.5), 2), mostSize)
	c := &conference{ratesFrom: p.start - rateLead, rates: p.rates(r, people)}
	for range people {
		path := p.person(r)
		c.arrivals = append(c.arrivals, path[0])
		for i, at := range path {
			c.changes = append(c.changes, change{at, 1 - 2*(i%2)})
		}
	}
	slices.Sort(c.arrivals)
	slices.SortFunc(c.changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	c.start, c.end = c.changes[0].at, c.changes[len(c.changes)-1].at
	return c
}

// person draws when somebody comes and goes, in turns.
func (p plan) person(r *rand.Rand) []float64 {
	in := p.start + r.Float64()*(p.end-p.start) // some at any time
	switch u := r.Float64(); {
	case u < 0.75: // most about the start
		in = p.start + 30 + r.NormFloat64()*90
	case u < 0.93:
		in = p.start + 60 + r.ExpFloat64()*300
	}
	in = min(max(in, p.start-300), p.end-60)
	out := in + r.Float64()*(p.end-in) // some have to go earlier
	switch u := r.Float64(); {
	case u < 0.82: // most go together
		out = p.end + math.Abs(r.NormFloat64())*30
	case u < 0.92: // stragglers
		out = p.end + r.ExpFloat64()*120
	}
	out = max(out, in+10)
	path := []float64{in}
	for {
		lost := path[len(path)-1] + r.ExpFloat64()*3600/p.flicker
		back := lost + 5 + r.ExpFloat64()*30
		if back > out-5 {
			return append(path, out)
		}
		path = append(path, lost, back)
	}
}

// rates are the changes per second that somebody expects who knows everything but chance, the end
// of the meeting included.
func (p plan) rates(r *rand.Rand, people int) []float64 {
	out := make([]float64, int((p.end-p.start+rateLead+rateTail)/rateStep)+1)
	for range rateDraws {
		for _, at := range p.person(r) {
			if i := int((at - p.start + rateLead) / rateStep); i >= 0 && i < len(out) {
				out[i] += float64(people) / rateDraws / rateStep
			}
		}
	}
	return out
}

func pick(r *rand.Rand, weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	left := r.Float64() * sum
	for i, w := range weights {
		if left -= w; left < 0 {
			return i
		}
	}
	return len(weights) - 1
}
