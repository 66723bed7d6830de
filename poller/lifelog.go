package poller

import (
	"log/slog"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// logFound tells the log of a meeting that was looked at for the first time since it began to be watched, with the number
// of people who are in it, or were found to have been.
func (p *Poller) logFound(s *diff.State, found []events.Event) {
	people := s.Active
	for i := range found {
		if e := &found[i]; e.Type == events.MeetingEnded {
			people = e.Meeting.People
		}
	}
	p.log.Info("found a meeting", p.titled(s.ConferenceID, s.Title, slog.Int("people", people))...)
}

// logEnded tells the log of a meeting that is over: how many people were in it, how long it took, and how the end was
// noticed. The times are DingTalk's where that told them; else nothing is said of the length.
func (p *Poller) logEnded(found []events.Event) {
	for i := range found {
		e := &found[i]
		if e.Type != events.MeetingEnded {
			continue
		}
		m := e.Meeting
		args := []any{slog.Int("people", m.People), slog.Int("peak", m.Peak)}
		if m.StartTime > 0 && m.EndTime >= m.StartTime {
			length := time.Duration(m.EndTime-m.StartTime) * time.Millisecond
			args = append(args, slog.String("length", length.Round(time.Second).String()))
		}
		p.log.Info("meeting ended", p.titled(m.ConferenceID, m.Title, append(args, slog.String("why", m.Reason))...)...)
	}
}

// titled puts before what is said of a meeting which it is, in words if they may be told.
func (p *Poller) titled(id, title string, args ...any) []any {
	out := []any{slog.String("meeting", id)}
	if p.opts.Titles && title != "" {
		out = append(out, slog.String("title", title))
	}
	return append(out, args...)
}

// logOver tells the log of a meeting that somebody else gave up or closed out; what we closed out ourselves was told.
func (p *Poller) logOver(m *look) {
	say := p.log.Info
	if m.record.State.Phase == diff.Ended {
		say = p.log.Debug
	}
	say("meeting is not watched any more", "meeting", m.id, "state", m.record.State.Phase.String())
}
