package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// maxName is how much of a name or title is written, in characters.
const maxName = 200

// clean makes a text from outside harmless, wherever it is written: it does nothing to a terminal,
// and has no character that XML cannot have.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\ufffe' || r == '\uffff' {
			return unicode.ReplacementChar
		}
		return r
	}, plaintext.Clean(s, maxName))
}

// name is what a person is called, made harmless.
func (p *Person) name() string {
	if n := strings.TrimSpace(clean(p.UserNick)); n != "" {
		return n
	}
	return clean(p.Person)
}

// roles are what else is known of a person, in words.
func (p *Person) roles() []string {
	var out []string
	for _, r := range []struct {
		is   bool
		word string
	}{
		{p.Host, "host"},
		{p.CoHost, "co-host"},
		{p.UnionID == "", "guest"},
		{p.UnionID != "" && p.OuterOrgMember, "outside"},
		{p.PSTNJoin, "phone"},
	} {
		if r.is {
			out = append(out, r.word)
		}
	}
	return out
}

// ended says how an attendance ended, in words.
func (a *Attendance) ended() string {
	if a.LeaveTime == 0 {
		return "still here"
	}
	return strings.ReplaceAll(clean(string(a.Ended)), "_", " ")
}

// endings says how the attendances of a person ended, one after the other; what is repeated is
// counted. An inferred time is marked.
func (p *Person) endings() string {
	var words []string
	var times []int
	for _, a := range p.Attendances {
		word := a.ended()
		if a.LeaveInferred {
			word = "~" + word
		}
		if n := len(words); n > 0 && words[n-1] == word {
			times[n-1]++
			continue
		}
		words, times = append(words, word), append(times, 1)
	}
	for i, n := range times {
		if n > 1 {
			words[i] += fmt.Sprintf(" ×%d", n)
		}
	}
	return strings.Join(words, ", ")
}

// title is the meeting's name, made harmless.
func (r *Report) title() string {
	if t := strings.TrimSpace(clean(r.Title)); t != "" {
		return t
	}
	return "Meeting " + r.ConferenceID
}

// when says from when to when the meeting went on.
func (r *Report) when() string {
	if len(r.Periods) == 0 {
		return "nobody has attended yet"
	}
	from, to := r.at(r.StartTime), r.at(r.Periods[len(r.Periods)-1].EndTime)
	const day = "Monday, 2 January 2006, "
	text := from.Format(day+timeOfDay) + " to "
	switch {
	case r.Running():
		text += "now"
	case sameDay(from, to):
		text += to.Format(timeOfDay)
	default:
		text += to.Format(day + timeOfDay)
	}
	return text
}

// extent says how large the meeting was.
func (r *Report) extent() string {
	people := fmt.Sprintf("%d people", len(r.People))
	if len(r.People) == 1 {
		people = "1 person"
	}
	return fmt.Sprintf("%s long, %s, %d at most at a time", span2text(r.Duration), people, r.Peak)
}

// notes are what a reader has to know of the report, one sentence each.
func (r *Report) notes() []string {
	var out []string
	if r.Running() {
		out = append(out, "The meeting goes on: who is still here is counted until "+r.at(r.AsOf).Format(timeOfDay)+".")
	}
	if n := len(r.Periods); n > 1 {
		out = append(out, fmt.Sprintf("The meeting went on in %d periods; the time between them does not count.", n))
	}
	for _, g := range r.Gaps {
		until := "since " + r.stamp(g.From)
		if g.To > 0 {
			until = "from " + r.stamp(g.From) + " to " + r.stamp(g.To)
		}
		out = append(out, fmt.Sprintf("Rollcall could not look at the meeting %s (%s): times in between may be inferred.",
			until, strings.ReplaceAll(clean(g.Reason), "_", " ")))
	}
	switch {
	case r.torn:
		out = append(out, "Events are missing, as they have expired or cannot be read: there may have been more attendances.")
	case r.Expired > 0:
		out = append(out, fmt.Sprintf("The first %d events of members have expired: there may have been more attendances.", r.Expired))
	}
	if r.Erased.Events > 0 {
		out = append(out, fmt.Sprintf("Erased, for people who were to be forgotten: %d events of %d people. They are not counted.", r.Erased.Events, r.Erased.People))
	}
	return out
}

// inferred tells whether any time is, and so whether the mark has to be explained.
func (r *Report) inferred() bool {
	for i := range r.People {
		if r.People[i].Inferred {
			return true
		}
	}
	return false
}

const inferredNote = "~ DingTalk did not give this time; it is inferred from what was seen before and after."

// timeOfDay is how times of day are written, each with its own distance from UTC: an hour comes
// twice where summer time ends.
const timeOfDay = time.TimeOnly + "-07:00"

// at is a time in the reader's time zone.
func (r *Report) at(ms int64) time.Time {
	if r.Style.Location == nil {
		return time.UnixMilli(ms).UTC()
	}
	return time.UnixMilli(ms).In(r.Style.Location)
}

// stamp writes a time of the meeting: the time of day, with the day when the meeting is not of one
// day.
func (r *Report) stamp(ms int64) string {
	t := r.at(ms)
	if n := len(r.Periods); n > 0 && sameDay(r.at(r.StartTime), r.at(r.Periods[n-1].EndTime)) && sameDay(t, r.at(r.StartTime)) {
		return t.Format(timeOfDay)
	}
	return t.Format("01-02 " + timeOfDay)
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// span2text writes a duration in milliseconds as hours, minutes and seconds, rounded to the second.
func span2text(ms int64) string {
	s := (ms + 500) / 1000
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// percent writes a share, which is more than 0% for every person who attended.
func percent(share float64) string {
	if share > 0 && share < 0.005 {
		return "<1 %"
	}
	return fmt.Sprintf("%.0f %%", share*100)
}

// fit cuts a text to a number of columns of a terminal, of which a Chinese character takes two.
func fit(s string, columns int) string {
	if uniseg.StringWidth(s) <= columns {
		return s
	}
	var out strings.Builder
	left := columns - 1
	for g := uniseg.NewGraphemes(s); g.Next() && g.Width() <= left; left -= g.Width() {
		out.WriteString(g.Str())
	}
	return out.String() + "…"
}

// pad fills a text up to a number of columns.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-uniseg.StringWidth(s), 0))
}

// kicked tells whether an attendance ended because the person was removed.
func (a *Attendance) kicked() bool { return a.Ended == events.ReasonKicked }
