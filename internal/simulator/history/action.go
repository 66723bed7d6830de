package history

// Verb is what an action does.
type Verb string

// What can happen in a meeting. Where Device is empty, leave, kick, drop and vanish mean all
// devices of the person.
const (
	// Join puts a device of a person into the meeting.
	Join Verb = "join"
	// Leave takes it out: the row gets status 6 and a leaveTime.
	Leave Verb = "leave"
	// Kick takes it out by force: status 5 and a leaveTime.
	Kick Verb = "kick"
	// Drop cuts its connection: the row turns to status 4, without a leaveTime.
	Drop Verb = "drop"
	// Vanish takes it out and its row off the list.
	Vanish Verb = "vanish"
	// Invite lists a person with status 1.
	Invite Verb = "invite"
	// Call lists a person with status 2: their device is ringing.
	Call Verb = "call"
	// Decline lists a person with status 4: they refused, or nobody answered.
	Decline Verb = "decline"
	// Host hands the meeting to a person; the host before is an ordinary member afterwards.
	Host Verb = "host"
	// CoHost makes a person a co-host.
	CoHost Verb = "cohost"
	// Member takes both roles from a person.
	Member Verb = "member"
	// Rename changes a person's nickname, in all rows. A guest stays who they were: the truth has
	// the first name.
	Rename Verb = "rename"
	// End ends the meeting for everybody.
	End Verb = "end"
)

// Action is one thing that happened, or will happen, in a meeting. A meeting's history is its
// actions in the order of their times; the times of one person's actions differ by at least a
// millisecond, and End is an action of everybody who is in the meeting.
type Action struct {
	At     int64  `json:"at"` // Unix milliseconds
	Do     Verb   `json:"do"`
	Person string `json:"person,omitempty"` // [Person.ID]; empty only for End
	Device string `json:"device,omitempty"` // the device that acts; see the verbs
	Nick   string `json:"nick,omitempty"`   // the new nickname, for Rename

	told bool // a push has been made of it, or never will be
}

// DefaultDevice is the device of a visit that names none.
const DefaultDevice = "desktop"

func (v Verb) known() bool {
	switch v {
	case Join, Leave, Kick, Drop, Vanish, Invite, Call, Decline, Host, CoHost, Member, Rename, End:
		return true
	}
	return false
}

// ends says that the verb takes a device out of the meeting.
func (v Verb) ends() bool { return v == Leave || v == Kick || v == Drop || v == Vanish }

// endsNotBefore returns the earliest time at which the meeting can end after a.
func (a Action) endsNotBefore() int64 {
	if a.Do.ends() {
		return a.At
	}
	return a.At + 1
}

// withDefaults fills in the device of a verb that needs one.
func (a Action) withDefaults() Action {
	switch a.Do {
	case Join, Invite, Call, Decline:
		if a.Device == "" {
			a.Device = DefaultDevice
		}
	}
	return a
}
