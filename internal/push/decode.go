package push

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk"
)

const (
	statusEvent = "meeting_status_change"
	memberEvent = "meeting_member_status_change"
	// targetSuffix ends the types of the same events for meetings that this app itself created.
	targetSuffix = "_target_push"
	// maxMembers bounds the people in one push; DingTalk names one or a few.
	maxMembers = 1000
)

// Envelope is what a stream frame says of a push outside its data, which then holds the business fields only. Empty
// fields are taken from the data.
type Envelope struct {
	Type string
	ID   string
	Time int64 // Unix milliseconds
}

// Decode reads the JSON of a push. A push of a type that is not about meetings has no notices, whatever else is in it.
// One that is no JSON object with an event type, or is about meetings and makes no sense, gives an error that wraps
// [ErrMalformed] and no notices at all. The error says where the push is wrong and never quotes a value: whoever reads a
// log need not be one who may know who is in a meeting.
func Decode(data []byte, envelope Envelope) (Push, error) {
	var h head
	err := json.Unmarshal(data, &h, wireOptions)
	p := Push{
		Type: cmp.Or(text(envelope.Type), h.EventType).bounded(maxWord),
		ID:   cmp.Or(text(envelope.ID), h.EventID).bounded(maxWord),
		Time: int64(cmp.Or(h.EventTime, inRange(envelope.Time))),
	}
	switch {
	case envelope.Type != "" && !p.ours():
		return p, nil // how the data of other events looks is nobody's business here
	case err == nil && p.Type == "":
		err = errors.New("no EventType")
	case err == nil && p.ours():
		err = p.read(data)
	}
	if err != nil {
		p.Notices = nil
		return p, fmt.Errorf("%w: %.300s", ErrMalformed, err) // bounded, as the path to the fault is the sender's
	}
	return p, nil
}

func (p *Push) ours() bool {
	t := strings.TrimSuffix(p.Type, targetSuffix)
	return t == statusEvent || t == memberEvent
}

// read adds what the data says of meetings.
func (p *Push) read(data []byte) error {
	var b body
	if err := json.Unmarshal(data, &b, wireOptions); err != nil {
		return err
	}
	if strings.TrimSuffix(p.Type, targetSuffix) == statusEvent {
		return p.addMeeting(&b)
	}
	return p.addMembers(&b)
}

func (p *Push) addMeeting(b *body) error {
	if b.Meeting == nil {
		return errors.New("no openConfModel")
	}
	m := b.Meeting
	if err := m.ConferenceID.checkMeeting(); err != nil {
		return fmt.Errorf("openConfModel: %w", err)
	}
	n := p.notice(m.ConferenceID, b.scene())
	n.Meeting = Meeting{
		Title: m.Title.bounded(maxTitle), CreatorID: dingtalk.UnionID(string(m.CreatorID)),
		CreatorNick: m.CreatorNick.bounded(maxNick), StartTime: int64(m.StartTime),
	}
	// A scene nobody documents is a reason to look.
	n.Look = n.Scene != MeetingCreated && n.Scene != MeetingClosed
	return nil
}

func (p *Push) addMembers(b *body) error {
	if len(b.Members) == 0 || len(b.Members) > maxMembers {
		return fmt.Errorf("%d openMemberModels", len(b.Members))
	}
	for i := range b.Members {
		m := &b.Members[i]
		if err := m.ConferenceID.checkMeeting(); err != nil {
			return fmt.Errorf("openMemberModels %d: %w", i, err)
		}
		n := p.notice(m.ConferenceID, b.scene())
		row, ok := m.row(n.Scene)
		switch {
		case n.Scene == MemberInvited:
			// Being called is no event; that there is such a meeting is news enough.
		case !ok || m.UserID == "":
			n.Look = true
		default:
			n.Rows = append(n.Rows, row)
		}
	}
	return nil
}

// checkMeeting is [events.CheckConferenceID] without a quotation: what stands in the place of an id may be a name.
func (t text) checkMeeting() error {
	if events.CheckConferenceID(string(t)) != nil {
		return fmt.Errorf("%w, not these %d bytes", events.ErrConferenceID, len(t))
	}
	return nil
}

func (b *body) scene() Scene { return Scene(b.Scene.bounded(maxWord)) }

// notice returns the notice for a meeting, made when there is none yet.
func (p *Push) notice(conferenceID text, scene Scene) *Notice {
	for i := range p.Notices {
		if p.Notices[i].ConferenceID == string(conferenceID) {
			return &p.Notices[i]
		}
	}
	p.Notices = append(p.Notices, Notice{ConferenceID: string(conferenceID), Scene: scene, Time: p.Time})
	return &p.Notices[len(p.Notices)-1]
}

// row is the member as a list would show it, or false when the scene does not tell. The leaveTime counts only at an end:
// a user_join carries one too.
func (m *memberModel) row(scene Scene) (diff.Row, bool) {
	r := diff.Row{
		UnionID: dingtalk.UnionID(string(m.UserID)), UserNick: m.UserNick.bounded(maxNick), JoinTime: int64(m.JoinTime),
		Host: bool(m.Host), CoHost: bool(m.CoHost), PSTNJoin: bool(m.PSTNJoin),
	}
	switch scene {
	case MemberJoined:
		r.Status = diff.StatusActive
	case MemberLeft:
		r.Status, r.LeaveTime = diff.StatusLeft, int64(m.LeaveTime)
	case MemberKicked:
		r.Status, r.LeaveTime = diff.StatusKicked, int64(m.LeaveTime)
	default:
		return diff.Row{}, false
	}
	return r, true
}
