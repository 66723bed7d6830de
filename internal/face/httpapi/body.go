package httpapi

import (
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/fleet/peers"
)

// listBody is all watched meetings.
type listBody struct {
	State    string        `json:"state"` // watched
	Meetings []meetingBody `json:"meetings"`
}

// meetingBody is a watched meeting as the API shows it. Times are RFC 3339 and absent while there
// is none.
type meetingBody struct {
	ConferenceID string     `json:"conferenceId"`
	Title        string     `json:"title"`
	CreatorID    string     `json:"creatorId,omitempty"`
	CreatorNick  string     `json:"creatorNick,omitempty"`
	StartTime    *time.Time `json:"startTime,omitempty"`
	State        string     `json:"state"`
	ActiveCount  int        `json:"activeCount"`
	Sequence     uint64     `json:"sequence"`
	LastLook     *time.Time `json:"lastLook,omitempty"`
	NextLook     *time.Time `json:"nextLook,omitempty"`
	Interval     string     `json:"interval"`
	Failures     int        `json:"failures"`
	LastError    string     `json:"lastError,omitempty"`
	Owner        string     `json:"owner"`
}

// oneMeetingBody is one meeting with everybody its list ever showed.
type oneMeetingBody struct {
	meetingBody
	*overBody
	Roster []personBody `json:"roster"`
}

// overBody is what is known besides of a meeting that is over.
type overBody struct {
	EndTime       *time.Time `json:"endTime,omitempty"`
	Duration      int64      `json:"duration"` // milliseconds: its periods added up
	Reason        string     `json:"reason"`
	People        int        `json:"people"`
	Peak          int        `json:"peak"`
	PersonMinutes float64    `json:"personMinutes"`
}

// personBody is one person of the roster. Times are Unix milliseconds, as in the events.
type personBody struct {
	Person         string `json:"person"`
	UnionID        string `json:"unionId"`
	UserNick       string `json:"userNick"`
	Present        bool   `json:"present"`
	AttendStatus   int    `json:"attendStatus"`
	JoinTime       int64  `json:"joinTime"`
	LeaveTime      int64  `json:"leaveTime"`
	Visits         int    `json:"visits"`
	Host           bool   `json:"host"`
	CoHost         bool   `json:"coHost"`
	OuterOrgMember bool   `json:"outerOrgMember"`
	PSTNJoin       bool   `json:"pstnJoin"`
}

func meetingBodyOf(s peers.Meeting) meetingBody {
	return meetingBody{
		ConferenceID: s.ConferenceID, Title: s.Title, CreatorID: s.CreatorID, CreatorNick: s.CreatorNick,
		StartTime: moment(s.StartTime), State: diff.Watched.String(),
		ActiveCount: s.Active, Sequence: s.Sequence,
		LastLook: instant(s.LastLook, s.LastLook.IsZero()), NextLook: instant(s.NextLook, s.NextLook.IsZero()),
		Interval: s.Interval.String(), Failures: s.Failures, LastError: s.LastError, Owner: s.Owner,
	}
}

// moment is a time in Unix milliseconds; nil for 0.
func moment(ms int64) *time.Time { return instant(time.UnixMilli(ms), ms == 0) }

func instant(t time.Time, none bool) *time.Time {
	if none {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func roster(state *diff.State) []personBody {
	people := make([]personBody, 0, state.Size())
	for p := range state.People() {
		people = append(people, personBody{
			Person: p.Key, UnionID: p.UnionID, UserNick: p.UserNick, Present: p.Present, AttendStatus: p.AttendStatus,
			JoinTime: p.JoinTime, LeaveTime: p.LeaveTime, Visits: p.Visits,
			Host: p.Host, CoHost: p.CoHost, OuterOrgMember: p.OuterOrgMember, PSTNJoin: p.PSTNJoin,
		})
	}
	return people
}
