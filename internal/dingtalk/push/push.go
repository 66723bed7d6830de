// Package push reads what DingTalk pushes about meetings, whichever way it came (over the encrypted
// callback or over the stream connection), and hands it on to the poller.
package push

import (
	"context"
	"errors"

	"github.com/c4342123/rollcall/diff"
)

// Push is one event of DingTalk, as far as it concerns meetings. Times are Unix milliseconds, 0
// where unknown.
type Push struct {
	// Type is DingTalk's EventType.
	Type string
	// ID identifies the event: a push that comes twice has the same one. It may be empty.
	ID string
	// Time is when it happened.
	Time int64
	// Notices are what it says, one for each meeting. A push of a type that is not about meetings
	// has none.
	Notices []Notice
	// Exhausted says that it is no event: by it DingTalk says that the pushes of the month are used
	// up.
	Exhausted bool
}

// Notice is what a push says of one meeting.
type Notice struct {
	ConferenceID string
	Scene        Scene
	Time         int64 // when it happened
	Meeting      Meeting
	// Rows are the members that the push names, each as a row of the member list would show it.
	Rows []diff.Row
	// Look says that the push cannot name whom it is about, or says too little: the member list has
	// to be looked at.
	Look bool
}

// Meeting is the description of a meeting in a push about its status. Fields may be empty.
type Meeting struct {
	Title       string
	CreatorID   string
	CreatorNick string
	StartTime   int64
}

// Scene is what happened, DingTalk's changeScene.
type Scene string

// The scenes of the meeting events,
// https://open.dingtalk.com/document/orgapp/video-conference-events.
const (
	MeetingCreated Scene = "conference_created"
	MeetingClosed  Scene = "conference_closed"
	MemberJoined   Scene = "user_join"
	MemberLeft     Scene = "user_leave"
	MemberInvited  Scene = "user_invited"
	MemberKicked   Scene = "user_kicked"
)

// Receiver takes pushes. It is safe for concurrent use.
type Receiver interface {
	// Receive returns nil once everything that follows from the push at once is stored, and an
	// error when DingTalk is to send it again; the error wraps [ErrAway] when that is because the
	// receiver starts or stops. It returns soon after ctx has ended. The same push may come several
	// times, and pushes come in any order.
	Receive(ctx context.Context, p Push) error
}

// ErrAway says that a [Receiver] is starting or stopping. Nothing is wrong with it, or with the
// push, which is to be sent again.
var ErrAway = errors.New("the receiver starts or stops")

// ErrMalformed is wrapped by the errors of [Decode].
var ErrMalformed = errors.New("malformed push")
