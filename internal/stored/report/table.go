package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// The colours of a terminal.
const (
	bold  = "\x1b[1m"
	grey  = "\x1b[90m"
	plain = "\x1b[0m"
)

// maxPerson is how wide a person's name and roles may be in a table, in columns.
const maxPerson = 36

// writeTable writes what a person reads on a terminal.
func (r *Report) writeTable(w io.Writer) error {
	var out bytes.Buffer
	paint := func(color, text string) string {
		if !r.Style.Color {
			return text
		}
		return color + text + plain
	}
	fmt.Fprintf(&out, "%s  %s\n%s\n%s\n", paint(bold, r.title()), paint(grey, r.ConferenceID), r.when(), r.extent())
	people, wide := r.labels()
	stamp := len(r.stamp(r.StartTime)) + 1
	line := func(person, visits, first, last, total, share, ended string) {
		text := fmt.Sprintf("%s  %6s  %*s  %*s  %8s  %6s  %s", pad(person, wide), visits, stamp, first, stamp, last, total, share, ended)
		out.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	if len(r.People) > 0 {
		out.WriteByte('\n')
		line("person", "visits", "joined", "left", "total", "share", "ended")
	}
	for i := range r.People {
		p := &r.People[i]
		first, last := p.edges()
		line(people[i], fmt.Sprint(len(p.Attendances)), first.text(r), last.text(r), span2text(p.Total), percent(p.Share), p.endings())
	}
	notes := r.notes()
	if r.inferred() {
		notes = append(notes, inferredNote)
	}
	if len(notes) > 0 {
		out.WriteString("\n" + paint(grey, strings.Join(notes, "\n")) + "\n")
	}
	_, err := w.Write(out.Bytes())
	return err
}

// labels are the names and roles of the people, and how wide their column is.
func (r *Report) labels() (people []string, wide int) {
	people = make([]string, len(r.People))
	wide = len("person")
	for i := range r.People {
		p := &r.People[i]
		people[i] = p.name()
		if roles := p.roles(); len(roles) > 0 {
			people[i] = fit(people[i], maxPerson-10) + "  " + strings.Join(roles, " ")
		}
		people[i] = fit(people[i], maxPerson)
		wide = max(wide, uniseg.StringWidth(people[i]))
	}
	return people, wide
}

// edge is when a person's part in the meeting began or ended.
type edge struct {
	at       int64
	inferred bool
}

// edges are the first join and the last leave.
func (p *Person) edges() (first, last edge) {
	first = edge{p.FirstJoined, p.Attendances[0].JoinInferred}
	for _, a := range p.Attendances {
		if a.LeaveTime == p.LastLeft {
			last = edge{p.LastLeft, a.LeaveInferred}
		}
	}
	return first, last
}

// text is the time, marked when it is inferred; a dash when there is none.
func (e edge) text(r *Report) string {
	switch {
	case e.at == 0:
		return "-"
	case e.inferred:
		return "~" + r.stamp(e.at)
	default:
		return r.stamp(e.at)
	}
}
