package report

import (
	"fmt"
	"strings"
)

// chart is a report as it is drawn. All places and widths are percentages, so that it can be drawn
// at any width.
type chart struct {
	ID, Title, When, Extent string
	Notes                   []string
	Facts                   []fact
	Ticks                   []tick
	Breaks                  []bar // times that do not count
	Blind                   []bar // times without looks
	People                  []lane
	Legend                  []sign
	Inferred, kicked, open  bool // what the legend has to explain
	InferredNote            string
	Made                    string // when the report was made
}

// fact is a figure of the meeting.
type fact struct{ Name, Value string }

// lane is what is drawn of one person.
type lane struct {
	Name, Short  string
	Roles        string
	Tags         []string
	Total, Share string
	Says         string // all of it, for those who do not see it
	Bars         []bar
	Attendances  []visit
}

// sign is something that the legend explains.
type sign struct {
	Mark  string
	Blind bool
	Text  string
}

func (c *chart) legend() []sign {
	out := []sign{{Text: "present"}}
	for _, s := range []struct {
		is bool
		sign
	}{
		{c.Inferred, sign{Mark: markInferred, Text: "time inferred"}},
		{c.kicked, sign{Mark: markKicked, Text: "kicked"}},
		{c.open, sign{Mark: markOpen, Text: "still here"}},
		{len(c.Blind) > 0, sign{Blind: true, Text: "not looked at"}},
	} {
		if s.is {
			out = append(out, s.sign)
		}
	}
	return out
}

// visit is one attendance in the list of all.
type visit struct {
	Name                      string
	Number                    int
	Joined, Left, Time, Ended string
	First                     bool // of the person
}

// bar is a time that is drawn.
type bar struct {
	X, Width, End string
	Says          string
	Mark, Mark0   string // what its end and its beginning look like; empty for nothing special
}

// The marks at the ends of a bar, by the ids of their drawings.
const (
	markInferred = "inferred"
	markKicked   = "kicked"
	markOpen     = "open"
)

// maxShort is how much of a name fits beside a timeline, in columns.
const maxShort = 30

func (r *Report) chart() *chart {
	a := newAxis(r.Periods)
	c := &chart{
		ID: r.ConferenceID, Title: r.title(), When: r.when(), Extent: r.extent(), Notes: r.notes(), Ticks: r.ticks(a),
		InferredNote: inferredNote, Made: r.at(r.AsOf).Format("2 January 2006, " + timeOfDay),
		Facts: []fact{
			{"Length", span2text(r.Duration)},
			{"People", fmt.Sprint(len(r.People))},
			{"At most at a time", fmt.Sprint(r.Peak)},
			{"All attendances", span2text(r.Total)},
		},
	}
	for i := 1; i < len(a.periods); i++ {
		c.Breaks = append(c.Breaks, a.bar(a.periods[i-1].EndTime, a.periods[i].StartTime, "The meeting did not go on."))
	}
	for _, g := range r.Gaps {
		to := g.To
		if to == 0 {
			to = r.AsOf
		}
		c.Blind = append(c.Blind, a.bar(g.From, to, "Rollcall could not look at the meeting."))
	}
	for i := range r.People {
		c.People = append(c.People, r.lane(c, a, &r.People[i]))
	}
	c.Legend = c.legend()
	return c
}

func (a axis) bar(from, to int64, says string) bar {
	x, end := a.place(from), a.place(to)
	return bar{X: percentOf(x), Width: percentOf(max(end-x, 0)), End: percentOf(end), Says: says}
}

// lane draws a person, and notes what the legend has to explain.
func (r *Report) lane(c *chart, a axis, p *Person) lane {
	out := lane{
		Name: p.name(), Roles: strings.Join(p.roles(), ", "), Tags: p.roles(), Total: span2text(p.Total), Share: percent(p.Share),
	}
	out.Short = fit(out.Name, max(maxShort-len(out.Roles), maxShort/2))
	out.Says = fmt.Sprintf("%s: %s, %s of the meeting", out.Name, out.Total, out.Share)
	for i := range p.Attendances {
		v := &p.Attendances[i]
		joined, left := edge{v.JoinTime, v.JoinInferred}.text(r), edge{v.LeaveTime, v.LeaveInferred}.text(r)
		b := a.bar(v.JoinTime, v.JoinTime+v.Duration, fmt.Sprintf("%s to %s, %s, %s", joined, left, span2text(v.Duration), v.ended()))
		switch {
		case v.LeaveTime == 0:
			b.Mark, c.open = markOpen, true
		case v.LeaveInferred:
			b.Mark, c.Inferred = markInferred, true
		case v.kicked():
			b.Mark, c.kicked = markKicked, true
		}
		if v.JoinInferred {
			b.Mark0, c.Inferred = markInferred, true
		}
		out.Bars = append(out.Bars, b)
		out.Attendances = append(out.Attendances, visit{
			Name: out.Name, Number: v.Visit, Joined: joined, Left: left, Time: span2text(v.Duration), Ended: v.ended(), First: i == 0,
		})
	}
	return out
}
