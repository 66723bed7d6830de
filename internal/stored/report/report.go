// Package report computes from a meeting's stored events who attended it, from when to when, and
// writes that for people, spreadsheets and programs.
package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// ErrNoEvents says that no event of the meeting is stored: it was never watched, or so long ago
// that all have expired.
var ErrNoEvents = errors.New("no event is stored: it was not watched, or its events have expired")

// outage is how long reading a meeting waits for a NATS server that went away.
const outage = 5 * time.Second

// version is that of the JSON form. New fields do not change it.
const version = 1

// Report is who attended a meeting. As in the events, times are Unix milliseconds, 0 where there is
// none, and durations are milliseconds.
type Report struct {
	Version      int    `json:"version"` // of this form: 1
	ConferenceID string `json:"conferenceId"`
	Title        string `json:"title"`
	CreatorNick  string `json:"creatorNick"`
	// AsOf is when the report was made. While the meeting goes on, attendances that are open are
	// counted until then.
	AsOf int64 `json:"asOf"`
	// StartTime is that of the first period, EndTime that of the last; EndTime is 0 while the
	// meeting goes on, as far as the events tell.
	StartTime int64 `json:"startTime"`
	EndTime   int64 `json:"endTime"`
	// Reason is how the last end was noticed, in the words of the events; empty while the meeting
	// goes on.
	Reason string `json:"reason"`
	// Duration is how long the meeting went on: its periods added up, without the time between
	// them.
	Duration int64 `json:"duration"`
	// Complete is false when events are missing because they have expired or cannot be read: there
	// may have been more attendances.
	Complete bool `json:"complete"`
	// Expired is how many of the first events of members are not stored any more; it is absent from
	// JSON when none is missing.
	Expired uint64 `json:"expired,omitzero"`
	// Erased is what was erased, as somebody was to be forgotten: those events are not missing. It is
	// absent from JSON when nothing was.
	Erased Erased `json:"erased,omitzero"`
	// FirstEvent is when the first of the events happened that are still stored.
	FirstEvent int64 `json:"firstEvent"`
	// Unreadable is how many stored messages of the meeting are no events.
	Unreadable int `json:"unreadable"`
	// Peak is the most people at one time.
	Peak int `json:"peak"`
	// Total is what all attendances add up to.
	Total   int64    `json:"total"`
	Periods []Period `json:"periods"` // in the order of time
	Gaps    []Gap    `json:"gaps"`    // in the order of time
	People  []Person `json:"people"`  // in the order in which they first joined

	// torn says that events are missing between others, or cannot be read.
	torn bool `json:"-"`

	// Style is how the report is written for people.
	Style Style `json:"-"`
}

// Erased is how many people were forgotten, and how many events were erased for it.
type Erased struct {
	People int `json:"people"`
	Events int `json:"events"`
}

// Style is how a report is written for people. The zero value is fine.
type Style struct {
	// Location is the time zone of the times; UTC when nil.
	Location *time.Location
	// Color says that a table goes to a terminal that shows colours.
	Color bool
}

// Period is a time in which the meeting went on. A meeting that ended and was watched again has
// several.
type Period struct {
	StartTime int64 `json:"startTime"`
	EndTime   int64 `json:"endTime"` // AsOf while the meeting goes on
}

// Gap is a time in which Rollcall could not look at the meeting. What happened in it was found out
// afterwards.
type Gap struct {
	From   int64  `json:"from"`
	To     int64  `json:"to"` // 0 while it lasts
	Reason string `json:"reason"`
}

// Person is one person's part in the meeting.
type Person struct {
	Person   string `json:"person"`  // the subject of the events
	UnionID  string `json:"unionId"` // empty for a guest
	UserNick string `json:"userNick"`
	// Host, CoHost and PSTNJoin say that the person was that at any time.
	Host           bool `json:"host"`
	CoHost         bool `json:"coHost"`
	OuterOrgMember bool `json:"outerOrgMember"`
	PSTNJoin       bool `json:"pstnJoin"`
	// Present says that the last attendance is open.
	Present     bool  `json:"present"`
	FirstJoined int64 `json:"firstJoined"`
	LastLeft    int64 `json:"lastLeft"` // 0 while the person is present
	// Total is the time the person attended, and Share its part of the meeting, 0 to 1.
	Total int64   `json:"total"`
	Share float64 `json:"share"`
	// Inferred says that one of the times was not given by DingTalk.
	Inferred    bool         `json:"inferred"`
	Attendances []Attendance `json:"attendances"` // in the order of time
}

// Attendance is one visit of a person.
type Attendance struct {
	Visit     int   `json:"visit"`
	JoinTime  int64 `json:"joinTime"`
	LeaveTime int64 `json:"leaveTime"` // 0 while it is open
	Duration  int64 `json:"duration"`  // until AsOf while it is open
	// JoinInferred and LeaveInferred say that DingTalk did not give the time.
	JoinInferred  bool `json:"joinInferred"`
	LeaveInferred bool `json:"leaveInferred"`
	// Ended is why it ended, in the words of the events; empty while it is open, and [EndUnknown].
	Ended events.Reason `json:"ended"`
}

// EndUnknown says of an attendance that the event of its end is missing. Its LeaveTime is then the
// last time that the person was surely there.
const EndUnknown events.Reason = "unknown"

// Running tells whether the meeting goes on, as far as the events tell.
func (r *Report) Running() bool { return r.EndTime == 0 }

// Of reads the stored events of a meeting, and nothing else of the stream. Its errors wrap
// [ErrNoEvents], [reading.ErrNoStream] and [events.ErrConferenceID], or say why the stream cannot
// be read.
func Of(ctx context.Context, js jetstream.JetStream, conferenceID string) (Report, error) {
	if err := events.CheckConferenceID(conferenceID); err != nil {
		return Report{}, err
	}
	f, err := read(ctx, js, newFold(conferenceID))
	if err == nil && len(f.told) > 0 { // what tells of a hole comes behind it
		f, err = read(ctx, js, newFold(conferenceID, f.told...))
	}
	switch {
	case err != nil:
		return Report{}, err
	case !f.any:
		return Report{}, fmt.Errorf("meeting %s: %w", conferenceID, ErrNoEvents)
	}
	return f.report(time.Now().UnixMilli()), nil
}

// read has a fold take the stored events of its meeting.
func read(ctx context.Context, js jetstream.JetStream, f *fold) (*fold, error) {
	reader, err := reading.Open(ctx, js, reading.Options{Subjects: reading.Subjects(f.id), Patience: outage})
	if err != nil {
		return f, err
	}
	err = reader.Run(ctx, func(m reading.Message) error {
		f.add(m.Data)
		return nil
	})
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return f, err
}
