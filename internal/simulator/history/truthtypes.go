package history

// Truth is what really happened up to a moment: what Rollcall must find out. All times are Unix
// milliseconds.
type Truth struct {
	At       int64          `json:"at" yaml:"at"`
	Meetings []MeetingTruth `json:"meetings" yaml:"meetings"`
}

// Meeting returns the truth of one meeting, and whether it has begun.
func (t Truth) Meeting(conferenceID string) (MeetingTruth, bool) {
	for _, m := range t.Meetings {
		if m.ConferenceID == conferenceID {
			return m, true
		}
	}
	return MeetingTruth{}, false
}

// MeetingTruth is the truth of one meeting.
type MeetingTruth struct {
	ConferenceID string `json:"conferenceId" yaml:"conferenceId"`
	Title        string `json:"title" yaml:"title"`
	StartTime    int64  `json:"startTime" yaml:"startTime"`
	EndTime      int64  `json:"endTime,omitempty" yaml:"endTime,omitempty"` // 0 while it goes on
	// ReadableUntil is when the member list becomes unreadable; 0 while the meeting goes on.
	ReadableUntil int64 `json:"readableUntil,omitempty" yaml:"readableUntil,omitempty"`
	// Present is the number of people in the meeting.
	Present int             `json:"present" yaml:"present"`
	People  []PersonTruth   `json:"people" yaml:"people"` // in the order of their first attendance
	Events  []ExpectedEvent `json:"events" yaml:"events"` // in the order of their times; an end before a start
}

// PersonTruth is everything one person attended. As Rollcall does, it knows a guest by nickname and
// joinTime: each visit of a guest is a person of its own.
type PersonTruth struct {
	UnionID     string            `json:"unionId" yaml:"unionId"` // empty for a guest
	Nick        string            `json:"userNick" yaml:"userNick"`
	Attendances []AttendanceTruth `json:"attendances" yaml:"attendances"`
}

// AttendanceTruth is one attendance: the union of overlapping visits of a person's devices.
type AttendanceTruth struct {
	Joined int64 `json:"joined" yaml:"joined"`
	Left   int64 `json:"left,omitempty" yaml:"left,omitempty"` // 0 while it lasts
	// Ended is why it ended, in the words of the events: left, kicked, disconnected, vanished or
	// meeting_ended.
	Ended string `json:"ended,omitempty" yaml:"ended,omitempty"`
}

// ExpectedEvent is an event that follows from the truth.
type ExpectedEvent struct {
	At      int64  `json:"at" yaml:"at"`
	Event   string `json:"event" yaml:"event"` // joined, left or kicked
	UnionID string `json:"unionId" yaml:"unionId"`
	Nick    string `json:"userNick" yaml:"userNick"`
	Joined  int64  `json:"joined" yaml:"joined"` // the start of the attendance
	Visit   int    `json:"visit" yaml:"visit"`
	Reason  string `json:"reason" yaml:"reason"` // joined, rejoined, or as in AttendanceTruth.Ended
	// Inferred says that no list ever gave the time At: from lists it can only be estimated.
	Inferred bool `json:"inferred,omitempty" yaml:"inferred,omitempty"`
	// ListedUntil is when the list stops showing this event, because a later visit took over the
	// row; 0 when it stays for as long as the list can be read. A client that did not look before
	// cannot know of it.
	ListedUntil int64 `json:"listedUntil,omitempty" yaml:"listedUntil,omitempty"`
}
