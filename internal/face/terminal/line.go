package terminal

import (
	"fmt"
	"strings"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// The colours of a terminal.
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	grey  = "\x1b[90m"
	bold  = "\x1b[1m"
	plain = "\x1b[0m"
)

// maxName is how much of a name or title is shown, in characters.
const maxName = 60

// Lines writes events as lines that a person reads.
type Lines struct {
	// Color says that the lines go to a terminal that shows colours.
	Color bool
	// Location is the time zone of the times; UTC when nil.
	Location *time.Location
}

// Header is the line above the events.
func (l Lines) Header() string {
	return l.paint(grey, fmt.Sprintf("%-18s  %-12s  %-20s  %s", "time", "what", "meeting", "who, and how it was noticed"))
}

// Day is the line between the events of two days, above those of the day of t.
func (l Lines) Day(t time.Time) string {
	return l.paint(grey, l.local(t).Format("Monday, 2 January 2006"))
}

func (l Lines) local(t time.Time) time.Time {
	if l.Location == nil {
		return t.UTC()
	}
	return t.In(l.Location)
}

// Line writes one event, without a line end. Whatever a person typed into a nickname or a title
// cannot move the terminal's cursor.
func (l Lines) Line(e events.Event) string {
	at := l.local(e.Time)
	head := func(color, what string) string {
		id := plaintext.Clean(e.ConferenceID(), 20)
		return fmt.Sprintf("%s  %s  %-20s  ", at.Format("15:04:05.000-07:00"), l.paint(color, fmt.Sprintf("%-12s", what)), id)
	}
	switch {
	case e.Member != nil:
		color, what := look(e)
		return head(color, what) + l.member(e)
	case e.Gap != nil:
		return head(red, "gap") + plaintext.Clean(e.Gap.Reason, maxName)
	case e.Sight != nil:
		return head(red, strings.TrimPrefix(string(e.Type), "conference.source.")) + plaintext.Clean(e.Sight.Reason, maxName)
	case e.Checkpoint != nil:
		return head(grey, strings.TrimPrefix(string(e.Type), "conference.audit.")) + plaintext.Clean(e.Checkpoint.Checkpoint, maxName)
	case e.Erased != nil:
		return head(grey, strings.TrimPrefix(string(e.Type), "conference.person.")) +
			fmt.Sprintf("%d events: %s", e.Erased.Events, plaintext.Clean(e.Erased.Reason, maxName))
	case e.Forget != nil:
		return head(grey, strings.TrimPrefix(string(e.Type), "conference.person.")) + plaintext.Clean(e.Subject, maxName)
	case e.Access != nil:
		return head(grey, strings.TrimPrefix(string(e.Type), "conference.access.")) + plaintext.Clean(e.Access.What+" by "+e.Access.By+" "+e.Access.Name, maxName)
	case e.Meeting != nil:
		verb := strings.TrimPrefix(string(e.Type), "conference.meeting.")
		return head(bold, verb) + plaintext.Clean(e.Meeting.Title, maxName)
	default:
		return head(grey, plaintext.Clean(string(e.Type), maxName))
	}
}

// look is how a member event looks at a glance.
func look(e events.Event) (color, what string) {
	switch {
	case e.Type == events.Joined && e.Member.Reason == events.ReasonRejoined:
		return green, "+ rejoined"
	case e.Type == events.Joined:
		return green, "+ joined"
	case e.Type == events.Kicked:
		return red, "x kicked"
	case e.Member.Reason == events.ReasonLeft:
		return grey, "- left"
	default:
		return grey, "- " + plaintext.Clean(strings.ReplaceAll(string(e.Member.Reason), "_", " "), maxName)
	}
}

func (l Lines) member(e events.Event) string {
	m := e.Member
	name := plaintext.Clean(m.UserNick, maxName)
	if name == "" {
		name = plaintext.Clean(e.Subject, maxName)
	}
	notes := roles(m)
	if e.Type != events.Joined {
		notes = append(notes, "after "+short(time.Duration(m.Duration)*time.Millisecond))
	}
	notes = append(notes, fmt.Sprintf("%d here", m.ActiveCount))
	how := plaintext.Clean(string(m.Via), maxName)
	switch late := e.RecordedTime.Sub(e.Time); {
	case m.Initial:
		how += ", first look"
	case m.Inferred:
		how += ", time inferred"
	default:
		how += ", " + short(max(late, 0)) + " later"
	}
	text := l.paint(bold, name) + "  " + strings.Join(notes, ", ") + "  " + l.paint(grey, "["+how+"]")
	if m.Title != "" {
		text += "  " + plaintext.Clean(m.Title, maxName)
	}
	return text
}

func roles(m *events.Member) []string {
	var out []string
	if m.Host {
		out = append(out, "host")
	}
	if m.CoHost {
		out = append(out, "co-host")
	}
	if m.UnionID == "" {
		out = append(out, "guest")
	} else if m.OuterOrgMember {
		out = append(out, "from outside")
	}
	if m.PSTNJoin {
		out = append(out, "by phone")
	}
	return out
}

// short writes a duration as people say it.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}

func (l Lines) paint(color, text string) string {
	if !l.Color {
		return text
	}
	return color + text + plain
}
