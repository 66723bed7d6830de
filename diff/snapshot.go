// Package diff turns member lists into events. It compares a snapshot of a meeting's member list
// with what has been announced for the meeting and returns the events that follow, together with
// the state that follows from them.
//
// The package does no I/O and knows no clock: the times of the look come in with the snapshot.
package diff

import (
	"cmp"

	"github.com/c4342123/rollcall/events"
)

// AttendStatus is DingTalk's status of one row of a member list. See the members API,
// https://open.dingtalk.com/document/orgapp/queries-members-of-a-video-conference.
type AttendStatus = int

// The documented values of attendStatus.
const (
	StatusUndefined   AttendStatus = 0
	StatusInitialised AttendStatus = 1
	StatusCalling     AttendStatus = 2
	StatusActive      AttendStatus = 3
	StatusFailed      AttendStatus = 4
	StatusKicked      AttendStatus = 5
	StatusLeft        AttendStatus = 6
)

// Row is one entry of a member list: one visit or one device of a person. Times are Unix
// milliseconds, 0 where the list gives none.
type Row struct {
	UnionID        string
	UserNick       string
	JoinTime       int64
	LeaveTime      int64
	Status         AttendStatus
	Host           bool
	CoHost         bool
	OuterOrgMember bool
	PSTNJoin       bool
}

// Kind says how much a snapshot proves.
type Kind uint8

const (
	// Complete is a whole member list: a person who is not in it is absent.
	Complete Kind = iota
	// Uncertain is a member list that may lack rows: what is listed counts, absence means nothing.
	Uncertain
	// Partial names some members only, as a push does: it says nothing of the others.
	Partial
)

// Snapshot is one look at a meeting.
type Snapshot struct {
	Kind Kind
	Rows []Row
	// From and At are when the look began and ended, in Unix milliseconds. At is the time of
	// observation.
	From, At int64
	// Since is what was known when the look began. A look undoes nothing that was announced after
	// that: its list may be older, however long it took and whichever replica announced it.
	Since Mark
	Via   events.Via
	// Scarce says of a push that looks are scarce. A person who has come since the last look, as a
	// push told, is then taken to be there by that one device.
	Scarce bool
	// Over says that the meeting has ended: after the rows are compared, everybody still present is
	// announced to have left. When the list can no longer be read, a Partial snapshot without rows
	// says it.
	Over bool
	// EndTime is when the meeting ended, in Unix milliseconds; 0 when that is not known. One after
	// At is as good as the time of observation. Only read when Over.
	EndTime int64

	endInferred bool // EndTime is the time of observation
}

func (s *Snapshot) began() int64 { return cmp.Or(s.From, s.At) }
