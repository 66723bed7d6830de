package forget

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/report"
)

// Person is everything that is stored about somebody.
type Person struct {
	UnionID string `json:"unionId"`
	// Events are those of theirs, and those that name them as the creator of a meeting, as they are
	// stored, meeting by meeting.
	Events   []json.RawMessage `json:"events"`
	Meetings []Meeting         `json:"meetings"`
}

// Meeting is what is stored about somebody in a meeting. Times are Unix milliseconds, 0 where there
// is none.
type Meeting struct {
	ConferenceID string `json:"conferenceId"`
	Title        string `json:"title"`
	StartTime    int64  `json:"startTime"`
	EndTime      int64  `json:"endTime"`
	// State is whether the meeting is watched, unwatched, or ended.
	State string `json:"state"`
	// Creator says that they called the meeting.
	Creator bool `json:"creator"`
	Events  int  `json:"events"`
	// Listed are the entries of the meeting's state: how they were listed last, under this name.
	Listed []Listed `json:"listed"`
}

// Listed is what the state of a meeting holds of somebody.
type Listed struct {
	UserNick  string `json:"userNick"`
	Host      bool   `json:"host"`
	CoHost    bool   `json:"coHost"`
	Present   bool   `json:"present"`
	JoinTime  int64  `json:"joinTime"`
	LeaveTime int64  `json:"leaveTime"`
	Visits    int    `json:"visits"`
}

// Of returns everything that is stored about somebody. Nothing at all is no error. The user of js
// need not be allowed to write.
func Of(ctx context.Context, js jetstream.JetStream, w Wanted) (Person, error) {
	out := Person{Events: []json.RawMessage{}, Meetings: []Meeting{}}
	if len(w.UnionIDs) > 0 {
		out.UnionID = w.UnionIDs[0]
	}
	found, err := w.look(ctx, js, readStates(ctx, js), true)
	if err != nil {
		return out, fmt.Errorf("what is stored about a person: %w", err)
	}
	for _, id := range found.meetings() {
		f := found[id]
		m := Meeting{ConferenceID: id, Events: len(f.payloads), Listed: []Listed{}}
		for _, payload := range f.payloads {
			out.Events = append(out.Events, json.RawMessage(payload))
			if e, err := events.Decode(payload); err == nil {
				m.note(&e, w)
			}
		}
		if f.state != nil {
			m.list(f.state, w)
		}
		out.Meetings = append(out.Meetings, m)
	}
	return out, nil
}

// note takes over what an event says of the meeting.
func (m *Meeting) note(e *events.Event, w Wanted) {
	switch {
	case e.Meeting != nil:
		m.Title, m.StartTime = cmp.Or(e.Meeting.Title, m.Title), cmp.Or(e.Meeting.StartTime, m.StartTime)
		m.EndTime = cmp.Or(e.Meeting.EndTime, m.EndTime)
		m.Creator = m.Creator || slices.Contains(w.UnionIDs, e.Meeting.CreatorID)
	case e.Member != nil:
		m.Title = cmp.Or(e.Member.Title, m.Title)
	}
}

// list takes over what the meeting's state says.
func (m *Meeting) list(s *diff.State, w Wanted) {
	m.State = s.Phase.String()
	m.Title, m.StartTime, m.EndTime = cmp.Or(s.Title, m.Title), cmp.Or(s.StartTime, m.StartTime), cmp.Or(s.EndTime, m.EndTime)
	m.Creator = m.Creator || slices.Contains(w.UnionIDs, s.CreatorID)
	for _, who := range w.who() {
		for _, p := range s.Of(who) {
			m.Listed = append(m.Listed, Listed{
				UserNick: p.UserNick, Host: p.Host, CoHost: p.CoHost, Present: p.Present, JoinTime: p.JoinTime, LeaveTime: p.LeaveTime, Visits: p.Visits,
			})
		}
	}
}

// columns are those of the CSV form.
var columns = []string{"conferenceId", "title", "type", "time", "recordedTime", "sequence", "unionId", "userNick", "joinTime", "leaveTime", "reason", "id"}

// CSV writes a row for each event, and one of the type "state" for each entry of a meeting's state.
func (p Person) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(columns)
	for _, payload := range p.Events {
		if e, err := events.Decode(payload); err == nil {
			_ = out.Write(rowOf(&e))
		}
	}
	for _, m := range p.Meetings {
		for _, l := range m.Listed {
			_ = out.Write([]string{
				m.ConferenceID, report.Harmless(m.Title), "state", "", "", "", report.Harmless(p.UnionID), report.Harmless(l.UserNick), millis(l.JoinTime), millis(l.LeaveTime), "", "",
			})
		}
	}
	out.Flush()
	return out.Error() // the first of all
}

func rowOf(e *events.Event) []string {
	out := []string{e.ConferenceID(), "", string(e.Type), stamp(e.Time), stamp(e.RecordedTime), "", "", "", "", "", "", e.ID}
	if e.Sequence > 0 {
		out[5] = strconv.FormatUint(e.Sequence, 10)
	}
	switch m := e.Member; {
	case m != nil:
		out[1], out[6], out[7] = report.Harmless(m.Title), report.Harmless(m.UnionID), report.Harmless(m.UserNick)
		out[8], out[9], out[10] = millis(m.JoinTime), millis(m.LeaveTime), string(m.Reason)
	case e.Meeting != nil:
		out[1], out[6], out[7] = report.Harmless(e.Meeting.Title), report.Harmless(e.Meeting.CreatorID), report.Harmless(e.Meeting.CreatorNick)
		out[8], out[9], out[10] = millis(e.Meeting.StartTime), millis(e.Meeting.EndTime), e.Meeting.Reason
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func millis(ms int64) string {
	if ms == 0 {
		return ""
	}
	return stamp(time.UnixMilli(ms))
}
