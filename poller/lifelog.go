package poller

import (
	"log/slog"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// logFound logs a meeting that was looked at for the first time since it is watched, with the
// number of people who are in it, or were.
func (p *Poller) logFound(s *diff.State, found []events.Event) {
	people := s.Active
	for i := range found {
		if e := &found[i]; e.Type == events.MeetingEnded {
			people = e.Meeting.People
		}
	}
	p.log.Info("found a meeting", p.titled(s.ConferenceID, s.Title, slog.Int("people", people))...)
}

// logEnded logs a meeting that is over: how many people were in it, how long it took, and how the
// end was noticed. The length is left out if DingTalk did not tell both times.
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

// titled puts the meeting before what is logged of it, with its title if that may be logged.
func (p *Poller) titled(id, title string, args ...any) []any {
	out := []any{slog.String("meeting", id)}
	if p.opts.Titles && title != "" {
		out = append(out, slog.String("title", title))
	}
	return append(out, args...)
}

// logOver logs a meeting that was unwatched, or that another replica closed out.
func (p *Poller) logOver(m *look) {
	say := p.log.Info
	if m.record.State.Phase == diff.Ended {
		say = p.log.Debug
	}
	say("meeting is not watched any more", "meeting", m.id, "state", m.record.State.Phase.String())
}
