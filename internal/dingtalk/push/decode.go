package push

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

const (
	statusEvent = "meeting_status_change"
	memberEvent = "meeting_member_status_change"
	// targetSuffix ends the types of the same events for meetings that this app itself created.
	targetSuffix = "_target_push"
	// maxMembers bounds the people in one push; DingTalk names one or a few.
	maxMembers = 1000
	maxWord    = 128 // bytes of a type, an event id or a scene
)

// Envelope is what a stream frame says of a push outside its data, which then holds the business
// fields only. Empty fields are taken from the data.
type Envelope struct {
	Type string
	ID   string
	Time int64 // Unix milliseconds
}

// Decode reads the JSON of a push. A push of a type that is not about meetings has no notices,
// whatever else is in it. One that is no JSON object with an event type, or is about meetings and
// makes no sense, gives an error that wraps [ErrMalformed] and no notices at all. The error says
// where the push is wrong and never quotes a value: people who read logs need not be allowed to
// know who is in a meeting. Values of other types than documented count in odd, which may be nil.
func Decode(data []byte, envelope Envelope, odd *wire.Oddities) (Push, error) {
	b, err := readBody(data)
	r := wire.Reader{Odd: odd}
	eventType := word(envelope.Type)
	if eventType == "" {
		eventType = r.Text(wire.PushType, b.EventType, maxWord)
	}
	p := Push{
		Type: eventType, ID: cmp.Or(word(envelope.ID), r.Text(wire.PushID, b.EventID, maxWord)),
		Time: cmp.Or(eventTime(r, &b), wire.InTime(envelope.Time)), Exhausted: err == nil && b.exhausted(),
	}
	switch {
	case p.Exhausted, envelope.Type != "" && !p.AboutMeetings():
		return p, nil // the data of other events is not read here
	case err == nil && p.Type == "":
		err = errors.New("no EventType")
	case err == nil && p.AboutMeetings():
		err = p.read(r, &b)
	}
	if err != nil {
		p.Notices = nil
		return p, fmt.Errorf("%w: %w", ErrMalformed, wire.DecodeError(err))
	}
	return p, nil
}

// word is a short text of an envelope, in memory of its own: it does not hold on to the frame.
func word(text string) string { return strings.Clone(plaintext.Cut(text, maxWord)) }

func eventTime(r wire.Reader, b *body) int64 {
	at, _ := r.Time(wire.PushTime, b.EventTime)
	born, _ := r.Time(wire.PushTime, b.BornTime)
	return cmp.Or(at, born)
}

// AboutMeetings tells whether the push is of a type that is about meetings, whether or not it could
// be read.
func (p *Push) AboutMeetings() bool {
	t := strings.TrimSuffix(p.Type, targetSuffix)
	return t == statusEvent || t == memberEvent
}

// read adds what the data says of meetings.
func (p *Push) read(r wire.Reader, b *body) error {
	if strings.TrimSuffix(p.Type, targetSuffix) == statusEvent {
		return p.addMeeting(r, b)
	}
	return p.addMembers(r, b)
}

func (p *Push) addMeeting(r wire.Reader, b *body) error {
	m, err := b.meeting(r.Odd)
	if err != nil {
		return err
	}
	id := r.ID(wire.PushMeetingID, m.ConferenceID)
	if err := checkMeeting(id); err != nil {
		return fmt.Errorf("openConfModel: %w", err)
	}
	n := p.notice(id, scene(r, b))
	start, _ := r.Time(wire.PushStart, m.StartTime)
	n.Meeting = Meeting{
		Title:       r.Text(wire.PushTitle, m.Title, wire.MaxTitle),
		CreatorID:   r.UnionID(wire.PushCreator, m.CreatorID),
		CreatorNick: r.Text(wire.PushCreatorNick, m.CreatorNick, wire.MaxNick), StartTime: start,
	}
	// The scene is not documented: the list has to be looked at.
	n.Look = n.Scene != MeetingCreated && n.Scene != MeetingClosed
	return nil
}

// addMembers takes in the members that can be read. For the others the member lists of the same
// meetings are looked at.
func (p *Push) addMembers(r wire.Reader, b *body) error {
	rows, err := b.members(r.Odd)
	if err != nil {
		return err
	}
	if len(rows) == 0 || len(rows) > maxMembers {
		return fmt.Errorf("%d openMemberModels", len(rows))
	}
	var unread error
	s := scene(r, b)
	for i, raw := range rows {
		if err := p.addMember(r, raw, s); err != nil {
			r.Odd.Note(wire.PushMemberRow, wire.Unreadable)
			unread = fmt.Errorf("openMemberModels %d: %w", i, err)
		}
	}
	if len(p.Notices) == 0 {
		return unread
	}
	for i := range p.Notices {
		p.Notices[i].Look = p.Notices[i].Look || unread != nil
	}
	return nil
}

func (p *Push) addMember(r wire.Reader, raw jsontext.Value, s Scene) error {
	var m memberModel
	if raw.Kind() != '{' || json.Unmarshal(raw, &m, wire.AnyCase) != nil {
		return errors.New("not an object")
	}
	id := r.ID(wire.PushMemberMeeting, m.ConferenceID)
	if err := checkMeeting(id); err != nil {
		return err
	}
	n := p.notice(id, s)
	switch row, ok := m.row(r, n.Scene); {
	case n.Scene == MemberInvited:
		// Being called is no event; all it tells is that there is such a meeting.
	case !ok:
		n.Look = true
	default:
		n.Rows = append(n.Rows, row)
	}
	return nil
}

// checkMeeting is [events.CheckConferenceID] without a quotation: what stands in the place of an id
// may be a name.
func checkMeeting(id string) error {
	if events.CheckConferenceID(id) != nil {
		return fmt.Errorf("%w, not these %d bytes", events.ErrConferenceID, len(id))
	}
	return nil
}

func scene(r wire.Reader, b *body) Scene { return Scene(r.Text(wire.PushScene, b.Scene, maxWord)) }

// notice returns the notice for a meeting, made when there is none yet.
func (p *Push) notice(conferenceID string, scene Scene) *Notice {
	for i := range p.Notices {
		if p.Notices[i].ConferenceID == conferenceID {
			return &p.Notices[i]
		}
	}
	p.Notices = append(p.Notices, Notice{ConferenceID: conferenceID, Scene: scene, Time: p.Time})
	return &p.Notices[len(p.Notices)-1]
}

// row is the member as a list would show it, or false when the push does not tell who it is, since
// when, or what happened. The leaveTime counts only at an end: a user_join carries one too. A role
// that cannot be read is false: the next look corrects a wrong role.
func (m *memberModel) row(r wire.Reader, scene Scene) (diff.Row, bool) {
	joined, timed := r.Time(wire.PushMemberJoin, m.JoinTime)
	left, _ := r.Time(wire.PushMemberLeave, m.LeaveTime)
	row := diff.Row{
		UnionID:  r.UnionID(wire.PushMemberID, m.UserID),
		UserNick: r.Text(wire.PushMemberNick, m.UserNick, wire.MaxNick), JoinTime: joined,
		Host: r.Bool(wire.PushMemberHost, m.Host), CoHost: r.Bool(wire.PushMemberCoHost, m.CoHost),
		PSTNJoin: r.Bool(wire.PushMemberPSTN, m.PSTNJoin),
	}
	switch scene {
	case MemberJoined:
		row.Status = diff.StatusActive
	case MemberLeft:
		row.Status, row.LeaveTime = diff.StatusLeft, left
	case MemberKicked:
		row.Status, row.LeaveTime = diff.StatusKicked, left
	default:
		return diff.Row{}, false
	}
	return row, timed && row.UnionID != ""
}
