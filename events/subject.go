package events

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
)

// Stream is the name of the JetStream stream that holds every event.
const Stream = "CONFERENCE"

// AuditStream is the name of the JetStream stream that holds the log of meetings, beside [Stream],
// and AuditSubjects are the subjects that it takes.
const (
	AuditStream   = "ROLLCALL_AUDIT"
	AuditSubjects = "rollcall.audit.>"
)

// OwnConsumers begins the names of Rollcall's own consumers. Consumers of others are named
// otherwise: where readers have an account of their own they cannot make, change or delete one with
// such a name.
const OwnConsumers = "rollcall-"

// Subjects to subscribe to, or to filter a consumer by. An event is published on the literal
// subject that its type names and again by meeting, see [ByMeeting]: pick one view.
const (
	AllMembers  = "conference.member.*"
	AllMeetings = "conference.meeting.*"
	AllOfSource = "conference.source.*" // not to be found by meeting
	AllOfPerson = "conference.person.*"
	AllOfAudit  = "conference.audit.*"  // not to be found by meeting
	AllOfAccess = "conference.access.*" // not to be found by meeting
)

// ByMeetings is the filter for every event once: the view by meeting.
const ByMeetings = byMeetingID + ">"

const (
	typePrefix  = "conference."
	byMeetingID = "conference.id."
	maxIDLength = 128
)

// MeetingHeader is the header of every message that carries an event: the id of the meeting it is
// about.
const MeetingHeader = "Conference-Id"

// Shards is the number of shards; see [Shard].
const Shards = 64

// ErrConferenceID is what [CheckConferenceID] finds wrong.
var ErrConferenceID = errors.New("a conferenceId is 1 to 128 of A-Z a-z 0-9 _ -")

// CheckConferenceID returns an error that wraps [ErrConferenceID] unless id can stand in a subject.
func CheckConferenceID(id string) error {
	if len(id) == 0 || len(id) > maxIDLength {
		return fmt.Errorf("%w: %d characters", ErrConferenceID, len(id))
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return fmt.Errorf("%w: %q", ErrConferenceID, id)
		}
	}
	return nil
}

// ByMeeting is the subject on which an event of the given type is found again among one meeting's
// events: "conference.id.{conferenceId}.member.joined" and the like.
func ByMeeting(conferenceID string, t Type) string {
	return byMeetingID + conferenceID + "." + strings.TrimPrefix(string(t), typePrefix)
}

// TypeOf is the type of the events on a subject, which is one of either view.
func TypeOf(subject string) Type {
	rest, byMeeting := strings.CutPrefix(subject, byMeetingID)
	if !byMeeting {
		return Type(subject)
	}
	_, kind, _ := strings.Cut(rest, ".")
	return Type(typePrefix + kind)
}

// MeetingOf is the meeting whose events are on a subject; empty of one that is not by meeting.
func MeetingOf(subject string) string {
	rest, byMeeting := strings.CutPrefix(subject, byMeetingID)
	if !byMeeting {
		return ""
	}
	id, _, _ := strings.Cut(rest, ".")
	return id
}

// OfMeeting is the filter for everything of one meeting.
func OfMeeting(conferenceID string) string { return byMeetingID + conferenceID + ".>" }

// MembersOfMeeting is the filter for the member events of one meeting.
func MembersOfMeeting(conferenceID string) string { return byMeetingID + conferenceID + ".member.*" }

// Source is the CloudEvents source of a meeting's events. An empty corpID stands for "default".
func Source(corpID, conferenceID string) string {
	return SourceOf(corpID) + "/conferences/" + conferenceID
}

// SourceOf is the CloudEvents source of events about the organisation's meetings as a whole, and
// about the log of them. An empty corpID stands for "default".
func SourceOf(corpID string) string {
	if corpID == "" {
		corpID = "default"
	}
	return sourcePrefix + corpID
}

const sourcePrefix = "/dingtalk/"

// CorpIDOf is the organisation that a source names; empty when it names none.
func CorpIDOf(source string) string {
	rest, _ := strings.CutPrefix(source, sourcePrefix)
	corpID, _, _ := strings.Cut(rest, "/")
	return corpID
}

// Shard is the part of the meetings, 0 to 63, that a meeting belongs to.
func Shard(conferenceID string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(conferenceID))
	return int(h.Sum32() % Shards)
}
