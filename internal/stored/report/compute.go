package report

import (
	"cmp"
	"slices"

	"github.com/c4342123/rollcall/events"
)

// report computes what the events add up to at a time, in Unix milliseconds.
func (f *fold) report(now int64) Report {
	r := Report{
		Version: version, ConferenceID: f.id, Title: f.latest.Title, CreatorNick: f.latest.CreatorNick, AsOf: now,
		FirstEvent: f.first, Complete: f.complete(), Expired: f.expired(), Erased: f.erased(), torn: f.unreadable > 0 || len(f.parts) > 1, Unreadable: f.unreadable, Periods: []Period{}, Gaps: []Gap{}, People: []Person{},
	}
	all := f.attendances()
	spans := slices.Clone(f.lives)
	running := len(spans) > 0 && !f.over()
	if running {
		spans[len(spans)-1].EndTime = max(now, spans[len(spans)-1].StartTime)
	}
	for _, a := range all {
		running = running || a.Leave == 0
		r.torn = r.torn || a.Reason == EndUnknown
		spans = append(spans, span(a, now))
	}
	r.Complete = r.Complete && !r.torn
	r.Periods = append(r.Periods, unite(spans)...)
	r.Duration = length(r.Periods)
	if n := len(r.Periods); n > 0 {
		r.StartTime = r.Periods[0].StartTime
		if !running {
			r.EndTime, r.Reason = r.Periods[n-1].EndTime, f.latest.Reason
		}
	}
	r.Gaps = append(r.Gaps, f.gaps...)
	slices.SortFunc(r.Gaps, func(a, b Gap) int { return cmp.Compare(a.From, b.From) })
	r.addPeople(all, f.people)
	there := spans[len(f.lives):]
	r.Peak = events.Peak(len(there), func(i int) (start, end int64) { return there[i].StartTime, there[i].EndTime })
	return r
}

// addPeople gives each person their attendances.
func (r *Report) addPeople(all []events.Attendance, known map[string]*Person) {
	at := map[string]int{}
	for _, a := range all {
		i, seen := at[a.Person]
		if !seen {
			i = len(r.People)
			at[a.Person] = i
			r.People = append(r.People, *known[a.Person])
		}
		p := &r.People[i]
		own := span(a, r.AsOf)
		p.Attendances = append(p.Attendances, Attendance{
			Visit: a.Visit, JoinTime: a.Join, LeaveTime: a.Leave, Duration: own.EndTime - own.StartTime,
			JoinInferred: a.JoinInferred, LeaveInferred: a.LeaveInferred, Ended: a.Reason,
		})
	}
	for i := range r.People {
		r.People[i].sum(r.Duration)
		r.Total += r.People[i].Total
	}
}

// sum computes what a person's attendances add up to, in a meeting of that length.
func (p *Person) sum(duration int64) {
	spans := make([]Period, len(p.Attendances))
	p.FirstJoined = p.Attendances[0].JoinTime
	for i, a := range p.Attendances {
		spans[i] = Period{a.JoinTime, a.JoinTime + a.Duration}
		p.Inferred = p.Inferred || a.JoinInferred || a.LeaveInferred
		p.Present = p.Present || a.LeaveTime == 0
		p.LastLeft = max(p.LastLeft, a.LeaveTime)
	}
	if p.Present {
		p.LastLeft = 0
	}
	p.Total = length(unite(spans))
	if duration > 0 {
		p.Share = float64(p.Total) / float64(duration)
	}
}

// span is the time of an attendance: until now while it is open.
func span(a events.Attendance, now int64) Period {
	end := a.Leave
	if end == 0 {
		end = now
	}
	return Period{StartTime: a.Join, EndTime: max(end, a.Join)}
}

// unite returns the union of times, in their order. Times that touch are one.
func unite(spans []Period) []Period {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b Period) int { return cmp.Compare(a.StartTime, b.StartTime) })
	var out []Period
	for _, s := range spans {
		if n := len(out); n > 0 && s.StartTime <= out[n-1].EndTime {
			out[n-1].EndTime = max(out[n-1].EndTime, s.EndTime)
			continue
		}
		out = append(out, s)
	}
	return out
}

func length(spans []Period) int64 {
	total := int64(0)
	for _, s := range spans {
		total += s.EndTime - s.StartTime
	}
	return total
}
