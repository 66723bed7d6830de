package budget

import (
	"iter"
	"time"
)

const (
	week = 7 * 24
	// quietWeight is how much an hour outside of office hours weighs, compared with one inside.
	quietWeight = 0.05
	// learnedPart is what past use counts for, beside office hours: single weeks tell only so much.
	learnedPart = 0.75
	// newPart is what the last week counts for, beside those before.
	newPart = 0.25
)

// habits is how many calls were wanted in the hours of the week, as the replicas keep it.
type habits struct {
	// Hour is the hour that Count counts, in hours since 1970.
	Hour  int64   `json:"hour"`
	Count float64 `json:"count"`
	// Weights is how many calls were wanted in each hour of the week, from Sunday at midnight: a
	// mean of the past weeks in which newer ones count for more. An hour without any past is nil.
	Weights [week]*float64 `json:"weights"`
	// Starts is when meetings began.
	Starts starts `json:"starts,omitzero"`
}

// slot is the hour of the week of a time where it is.
func slot(t time.Time) int { return int(t.Weekday())*24 + t.Hour() }

// clockHours are the parts between two times of the hours of the clock where they are: when each
// begins, and how long it is.
func clockHours(from, to time.Time) iter.Seq2[time.Time, time.Duration] {
	return func(yield func(time.Time, time.Duration) bool) {
		for t := from; t.Before(to); {
			end := earlier(hourEnd(t), to)
			if !yield(t, end.Sub(t)) {
				return
			}
			t = end
		}
	}
}

// hourEnd is when the hour of a time ends, by the clock where it is.
func hourEnd(t time.Time) time.Time {
	past := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	return t.Add(time.Hour - past)
}

// weightOf returns how much the hours between two times weigh.
func weightOf(weights *[week]float64, from, to time.Time) (sum float64) {
	for t, long := range clockHours(from, to) {
		sum += weights[slot(t)] * long.Hours()
	}
	return sum
}

// hourOf numbers the hours since 1970.
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// add counts calls wanted in an hour. A new hour makes an end of the one before.
func (h *habits) add(hour int64, wanted float64, in *time.Location) {
	switch {
	case hour == h.Hour:
		h.Count += wanted
	case hour > h.Hour:
		if h.Hour > 0 {
			h.learn(in)
		}
		h.Hour, h.Count = hour, wanted
	default: // what a replica counted before another one began the hour that counts now
		if w := h.Weights[slot(time.Unix(hour*3600, 0).In(in))]; w != nil {
			*w += newPart * wanted
		}
	}
}

func (h *habits) learn(in *time.Location) {
	w := &h.Weights[slot(time.Unix(h.Hour*3600, 0).In(in))]
	if *w == nil {
		*w = new(h.Count)
		return
	}
	**w += newPart * (h.Count - **w)
}

// office tells how much an hour of the week weighs as long as nothing is known: Monday to Friday
// from 9 to 18.
func office(slot int) float64 {
	day, hour := time.Weekday(slot/24), slot%24
	if day >= time.Monday && day <= time.Friday && hour >= 9 && hour < 18 {
		return 1
	}
	return quietWeight
}

// weigh returns how much each hour of the week weighs. Hours without a past get what office hours
// would give them beside the others.
func (h *habits) weigh() (weights [week]float64) {
	var wanted, usual float64
	for i, w := range h.Weights {
		if w != nil {
			wanted += *w
			usual += office(i)
		}
	}
	scale := 1.0
	if wanted > 0 {
		scale = wanted / usual
	}
	for i, w := range h.Weights {
		weights[i] = office(i) * scale
		if w != nil && wanted > 0 {
			weights[i] = learnedPart**w + (1-learnedPart)*weights[i]
		}
	}
	return weights
}

// hours spreads a month's calls over its hours. The zero value knows office hours only. Its times
// are where the months begin.
type hours struct {
	weights [week]float64
	seek    [week]float64 // how likely meetings begin
	starts  starts
	weighed bool
	hour    time.Duration // since begin, that later and whole are for
	begin   time.Time     // of the month that they are for; zero when they are for none
	later   float64       // the weights of the month's hours after this one
	whole   float64       // the weights of all of the month's hours
}

// set takes over what was learned.
func (h *hours) set(weights [week]float64) {
	h.weights, h.weighed, h.begin = weights, true, time.Time{}
	h.seek = likely(weights)
}

// prepare makes sure that there are weights.
func (h *hours) prepare() {
	if !h.weighed {
		h.set(new(habits).weigh())
	}
}

// sum prepares for the hour of now, and returns how much of that is gone.
func (h *hours) sum(now time.Time) time.Duration {
	h.prepare()
	begin, end := bounds(now)
	hour := now.Sub(begin).Truncate(time.Hour)
	gone := now.Sub(begin) - hour
	if hour == h.hour && begin.Equal(h.begin) {
		return gone
	}
	h.hour, h.begin, h.later, h.whole = hour, begin, 0, 0
	for t := begin; t.Before(end); t = t.Add(time.Hour) {
		w := h.weights[slot(t)]
		h.whole += w
		if t.Sub(begin) > hour {
			h.later += w
		}
	}
	return gone
}

// left returns the weight of this hour, and of the time to the month's end, in hours.
func (h *hours) left(now time.Time) (weight, rest float64) {
	gone := h.sum(now)
	weight = h.weights[slot(now)]
	return weight, h.later + weight*(1-gone.Hours())
}

// leftPart returns how much of the month's working time is left, 0 to 1.
func (h *hours) leftPart(now time.Time) float64 {
	_, rest := h.left(now)
	return min(rest/h.whole, 1)
}

// restOf returns how much of its month's working time is left at another time than now, 0 to 1.
func (h hours) restOf(t time.Time) float64 { return h.leftPart(t) }

// pace returns how many calls a second may be made now so that calls last to the month's end.
func (h *hours) pace(calls float64, now time.Time) float64 {
	weight, rest := h.left(now)
	return calls * weight / (rest * 3600)
}
