package events

import "time"

// Type is the CloudEvents type of an event and, literally, the NATS subject it is published on.
type Type string

// The event types. Nothing else is ever published below "conference.member.", "conference.meeting.",
// "conference.source.", "conference.person.", "conference.audit." and "conference.access.".
const (
	// Joined says that a person's attendance began.
	Joined Type = "conference.member.joined"
	// Left says that a person's attendance ended, for any reason but being kicked; [Member.Reason]
	// names it.
	Left Type = "conference.member.left"
	// Kicked says that a person's attendance ended because somebody removed them.
	Kicked Type = "conference.member.kicked"
	// MeetingStarted says that a meeting began to be watched.
	MeetingStarted Type = "conference.meeting.started"
	// MeetingUpdated says that more is known of a meeting that has started, or that what is known of
	// it has changed.
	MeetingUpdated Type = "conference.meeting.updated"
	// MeetingEnded says that a meeting is over; every attendance has ended before it.
	MeetingEnded Type = "conference.meeting.ended"
	// MeetingGap says that Rollcall could not look at a meeting for some time.
	MeetingGap Type = "conference.meeting.gap"
	// SourceBlind says that nobody has looked for live meetings for longer than an hour of the time in
	// which there are meetings as a rule: some may have gone by unseen.
	SourceBlind Type = "conference.source.blind"
	// SourceSeeing says that somebody looks again.
	SourceSeeing Type = "conference.source.seeing"
	// PersonErased says that events of a meeting were erased, as somebody is to be forgotten, and which;
	// not who that is.
	PersonErased Type = "conference.person.erased"
	// PersonForget names somebody who is to be forgotten, for those who keep what they read of the
	// events. It is erased itself soon, and not found by meeting.
	PersonForget Type = "conference.person.forget"
	// AuditCheckpoint tells what the log of meetings is, signed: see [Checkpoint].
	AuditCheckpoint Type = "conference.audit.checkpoint"
	// AccessRead says that somebody was shown what is recorded about people: see [Access].
	AccessRead Type = "conference.access.read"
)

// Types returns every event type, those of members first, those that are about no meeting last.
func Types() []Type {
	return []Type{
		Joined, Left, Kicked, MeetingStarted, MeetingUpdated, MeetingEnded, MeetingGap, SourceBlind, SourceSeeing,
		PersonErased, PersonForget, AuditCheckpoint, AccessRead,
	}
}

// Via says how a change was noticed.
type Via string

// The ways a change is noticed.
const (
	ViaPoll Via = "poll" // by reading the member list
	ViaPush Via = "push" // by a push from DingTalk
)

// Event is one CloudEvent of Rollcall. Exactly one of Member, Meeting, Gap, Sight, Erased,
// Forget, Checkpoint and Access is set, according to Type.
type Event struct {
	// ID is the same for the same fact, whichever replica observed it, and however often.
	ID string
	// Source is "/dingtalk/{corpId}/conferences/{conferenceId}", and "/dingtalk/{corpId}" of an event
	// about the source, the log or a reader.
	Source string
	Type   Type
	// Subject is the person's unionId or, for a guest without one, a substitute that begins with
	// "guest:". Meeting events have none, nor has PersonErased.
	Subject string
	// Time is when it happened, to the millisecond.
	Time time.Time
	// RecordedTime is when Rollcall recorded it, to the millisecond.
	RecordedTime time.Time
	// Sequence numbers a meeting's member events from 1, without gaps; 0 for meeting events, which
	// carry none.
	Sequence uint64
	// DataSchema is the URI of the JSON Schema that Data follows.
	DataSchema string
	// Previous chains the events of a meeting: the SHA-256 hash of the payload of the one before it, in
	// lower-case hex, and [NoHash] for the first. It is empty in events that are not chained: those of
	// a Rollcall that did not do so yet, and those about the source. See [Chain].
	Previous string
	// Salt is random, so that the event cannot be guessed from its hash: 22 characters of base64url,
	// in every event that is chained.
	Salt string

	Member  *Member  // set for Joined, Left and Kicked
	Meeting *Meeting // set for MeetingStarted, MeetingUpdated and MeetingEnded
	Gap     *Gap     // set for MeetingGap
	Sight   *Sight   // set for SourceBlind and SourceSeeing
	Erased  *Erased  // set for PersonErased
	Forget  *Forget  // set for PersonForget

	Checkpoint *Checkpoint // set for AuditCheckpoint
	Access     *Access     // set for AccessRead
}

// Member is the data of a member event. All times are Unix milliseconds, 0 where there is none.
type Member struct {
	ConferenceID string `json:"conferenceId"`
	// Title is the meeting's, as far as it was known when the event was recorded; empty, and absent
	// from the payload, while it is not.
	Title string `json:"title,omitempty"`
	// UnionID is empty for a guest from outside the organisation; [Event.Subject] names the person
	// then, too.
	UnionID  string `json:"unionId"`
	UserNick string `json:"userNick"`
	Host     bool   `json:"host"`
	CoHost   bool   `json:"coHost"`
	// EverHost and EverCoHost say that the person has had the role at any time up to the event,
	// perhaps without an event that showed it: roles change without one. They are absent from the
	// payload when false.
	EverHost       bool `json:"everHost,omitempty"`
	EverCoHost     bool `json:"everCoHost,omitempty"`
	OuterOrgMember bool `json:"outerOrgMember"`
	PSTNJoin       bool `json:"pstnJoin"`
	// AttendStatus is DingTalk's status after the change: 3 on a joined, 6 on a left, 5 on a kicked,
	// what the list says otherwise, and 0 where the person is not listed.
	AttendStatus int `json:"attendStatus"`
	// PreviousAttendStatus is the status before the change; 0 when the person was not listed.
	PreviousAttendStatus int   `json:"previousAttendStatus"`
	JoinTime             int64 `json:"joinTime"`
	LeaveTime            int64 `json:"leaveTime"`
	// Duration of the attendance in milliseconds, on an end.
	Duration int64 `json:"duration"`
	// Reason is one of the reasons of the type: see [Reasons].
	Reason Reason `json:"reason"`
	// Initial marks what the first complete look at a meeting found.
	Initial bool `json:"initial"`
	// Inferred says that the time of the event was not given by DingTalk.
	Inferred bool `json:"inferred"`
	// ObservedAfter and ObservedBefore bound when the change became visible: it was seen between these
	// two looks. ObservedAfter is 0 when there was no look before.
	ObservedAfter  int64 `json:"observedAfter"`
	ObservedBefore int64 `json:"observedBefore"`
	Via            Via   `json:"via"`
	// ActiveCount is the number of people in the meeting after this event.
	ActiveCount int `json:"activeCount"`
	// Visit counts the person's attendances of this meeting from 1.
	Visit int `json:"visit"`
}

// Meeting is the data of MeetingStarted, MeetingUpdated and MeetingEnded. All times are Unix
// milliseconds, 0 where unknown.
type Meeting struct {
	ConferenceID string `json:"conferenceId"`
	Title        string `json:"title"`
	CreatorID    string `json:"creatorId"`
	CreatorNick  string `json:"creatorNick"`
	StartTime    int64  `json:"startTime"`
	EndTime      int64  `json:"endTime"`
	// Reason says how the start or the end was noticed, or what is new: see [Reasons].
	Reason string `json:"reason"`
	// People is the number of persons who attended, Peak the most at one time, PersonMinutes the sum
	// of all attendances; on an end only.
	People        int     `json:"people"`
	Peak          int     `json:"peak"`
	PersonMinutes float64 `json:"personMinutes"`
	// Restarted says on a start that the meeting had been announced before, and all that was stored of
	// it was lost: its events are announced again, and their chain begins anew. It is absent from the
	// payload when false.
	Restarted bool `json:"restarted,omitempty"`
	// Seal is on an end, and on the start of a meeting that had been watched before; nil, and absent
	// from the payload, where events are not sealed.
	Seal *Seal `json:"seal,omitempty"`
}

// Gap is the data of MeetingGap: Rollcall was blind for a meeting. It is published when the
// blindness is recognised, with To 0, and again when it ends.
type Gap struct {
	ConferenceID string `json:"conferenceId"`
	From         int64  `json:"from"`   // Unix milliseconds of the last successful look
	To           int64  `json:"to"`     // Unix milliseconds of the first look afterwards; 0 while the gap lasts
	Reason       string `json:"reason"` // why: see [Reasons]
	// Seal is nil, and absent from the payload, where events are not sealed.
	Seal *Seal `json:"seal,omitempty"`
}

// Sight is the data of SourceBlind and SourceSeeing: Rollcall could not find out which meetings
// there are.
type Sight struct {
	From   int64  `json:"from"`   // Unix milliseconds of the last time that the live meetings were listed
	To     int64  `json:"to"`     // Unix milliseconds of the next time; 0 on SourceBlind
	Reason string `json:"reason"` // why: see [Reasons]
}

// Checkpoint is the data of AuditCheckpoint.
type Checkpoint struct {
	// Checkpoint is the signed note, as golang.org/x/mod/sumdb/note reads it: the origin of the log, how
	// many leaves it has, the root of its tree and when it was signed, each on a line, and the
	// signature.
	Checkpoint string `json:"checkpoint"`
}
