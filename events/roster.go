package events

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Errors of [Roster.Apply].
var (
	// ErrOtherMeeting says that the event belongs to another meeting.
	ErrOtherMeeting = errors.New("event of another meeting")
	// ErrMissingEvents says that the event's sequence number does not follow on the last one applied.
	ErrMissingEvents = errors.New("events are missing")
	// ErrNotAlternating says that a person joined who is present, or left who is not.
	ErrNotAlternating = errors.New("joined and left do not alternate")
)

// Roster folds the events of one meeting into who is present and who attended when. It is not safe
// for concurrent use.
type Roster struct {
	conferenceID string
	first, last  uint64
	attendances  []Attendance
	open         map[string]int // by person: index of the open attendance
	about        Meeting
	ended        *Meeting
	holes        Holes
}

// Attendance is one visit of a person: the time from a joined to the left or kicked that ends it.
type Attendance struct {
	Person   string // the event's subject
	UnionID  string // empty for a guest
	UserNick string
	Visit    int
	Join     int64 // Unix milliseconds
	Leave    int64 // Unix milliseconds; 0 while the attendance is open
	// JoinInferred and LeaveInferred say that DingTalk did not give the time.
	JoinInferred, LeaveInferred bool
	// End is Left or Kicked and Reason says why; both are empty while the attendance is open.
	End    Type
	Reason Reason
}

// NewRoster returns the empty roster of a meeting.
func NewRoster(conferenceID string) *Roster {
	return &Roster{conferenceID: conferenceID, open: map[string]int{}, about: Meeting{ConferenceID: conferenceID}}
}

// Apply takes the next event of the meeting. Events that were applied before, as a redelivery
// brings them, change nothing. An error leaves the roster as it was.
//
// The first event applied may have any sequence number: a consumer that began late, or that reads a
// stream whose first events have expired, gets a roster of what came after. [Roster.Complete]
// tells. Events that were erased are not missing, if the event that says so was applied before, or
// its holes were made known by [Roster.Explain]; whom an event of the type PersonForget names was
// never there.
func (r *Roster) Apply(e Event) error {
	if id := e.ConferenceID(); id != r.conferenceID {
		return fmt.Errorf("%w: %s is of %q, the roster of %q", ErrOtherMeeting, e.ID, id, r.conferenceID)
	}
	if e.Meeting != nil {
		r.meeting(e.Type, e.Meeting)
	}
	r.Explain(&e)
	if e.Forget != nil {
		r.forget(e.Subject, e.Forget.UnionID)
	}
	if e.Member == nil {
		return nil
	}
	switch {
	case r.first == 0:
	case e.Sequence <= r.last:
		return nil
	case !r.holes.Explain(r.last+1, e.Sequence-1):
		return fmt.Errorf("%w: %d follows %d", ErrMissingEvents, e.Sequence, r.last)
	}
	if err := r.member(&e); err != nil {
		return err
	}
	if r.first == 0 {
		r.first = e.Sequence
	}
	r.last = e.Sequence
	r.about.Title = cmp.Or(e.Member.Title, r.about.Title)
	return nil
}

// Explain takes over which events were erased, if the event says so. Somebody who applies stored
// events from the first on explains them first: what tells of a hole is stored behind it.
func (r *Roster) Explain(e *Event) { r.holes.Add(e) }

// Erased is how many people were forgotten, and how many events were erased for it.
func (r *Roster) Erased() (people, events int) { return r.holes.People(), r.holes.Events() }

// forget removes the attendances of a person, and that they created the meeting.
func (r *Roster) forget(person, unionID string) {
	if unionID != "" && r.about.CreatorID == unionID {
		r.about.CreatorID, r.about.CreatorNick = "", ""
	}
	r.attendances = slices.DeleteFunc(r.attendances, func(a Attendance) bool { return a.Person == person })
	clear(r.open)
	for i, a := range r.attendances {
		if a.End == "" {
			r.open[a.Person] = i
		}
	}
}

// meeting takes over what an event says of the meeting itself.
func (r *Roster) meeting(t Type, m *Meeting) {
	r.about.Title, r.about.CreatorID = cmp.Or(m.Title, r.about.Title), cmp.Or(m.CreatorID, r.about.CreatorID)
	r.about.CreatorNick, r.about.StartTime = cmp.Or(m.CreatorNick, r.about.CreatorNick), cmp.Or(m.StartTime, r.about.StartTime)
	switch t {
	case MeetingStarted:
		r.ended, r.about.EndTime = nil, 0
	case MeetingEnded:
		r.ended, r.about.EndTime = m, m.EndTime
	case MeetingUpdated:
		if m.EndTime > 0 { // it is over: its end named a creator who was forgotten
			r.ended, r.about.EndTime = m, m.EndTime
		}
	}
}

func (r *Roster) member(e *Event) error {
	m := e.Member
	at, present := r.open[e.Subject]
	if e.Type == Joined {
		if present {
			return fmt.Errorf("%w: %d: %s joined who is present", ErrNotAlternating, e.Sequence, e.Subject)
		}
		r.begin(e)
		return nil
	}
	if !present {
		if sawAll := r.first > 0 && r.Complete() || e.Sequence == 1; sawAll || r.knows(e.Subject) {
			return fmt.Errorf("%w: %d: %s %s who is not present", ErrNotAlternating, e.Sequence, e.Subject, m.Reason)
		}
		r.begin(e) // joined before the first event that was seen
		at = r.open[e.Subject]
	}
	a := &r.attendances[at]
	a.Leave, a.LeaveInferred, a.End, a.Reason = m.LeaveTime, m.Inferred, e.Type, m.Reason
	delete(r.open, e.Subject)
	return nil
}

func (r *Roster) begin(e *Event) {
	m := e.Member
	r.open[e.Subject] = len(r.attendances)
	r.attendances = append(r.attendances, Attendance{
		Person: e.Subject, UnionID: m.UnionID, UserNick: m.UserNick, Visit: m.Visit,
		Join: m.JoinTime, JoinInferred: m.Inferred && e.Type == Joined,
	})
}

func (r *Roster) knows(person string) bool {
	return slices.ContainsFunc(r.attendances, func(a Attendance) bool { return a.Person == person })
}

// Complete tells whether the roster has every event of the meeting from the first that was not
// erased.
func (r *Roster) Complete() bool { return r.first <= 1 || r.holes.Explain(1, r.first-1) }

// First is the sequence number of the first event applied; 0 before there is one.
func (r *Roster) First() uint64 { return r.first }

// Last is the sequence number of the last event applied.
func (r *Roster) Last() uint64 { return r.last }

// Meeting returns what is known of the meeting itself: title, creator, start and, once it is over,
// end, as the last event that told it has it. Member events tell the title, too.
func (r *Roster) Meeting() Meeting { return r.about }

// Ended returns what the meeting's end said, or nil while it goes on.
func (r *Roster) Ended() *Meeting { return r.ended }

// Present returns the open attendances, ordered by their start.
func (r *Roster) Present() []Attendance {
	out := make([]Attendance, 0, len(r.open))
	for _, at := range r.open {
		out = append(out, r.attendances[at])
	}
	slices.SortFunc(out, byStart)
	return out
}

// Attendances returns all attendances, ordered by their start.
func (r *Roster) Attendances() []Attendance {
	out := slices.Clone(r.attendances)
	slices.SortStableFunc(out, byStart)
	return out
}

func byStart(a, b Attendance) int {
	return cmp.Or(cmp.Compare(a.Join, b.Join), cmp.Compare(a.Person, b.Person))
}
