package push

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// body is the JSON of an event: what those of every type begin with, and what the meeting events
// have besides. What DingTalk documents in two types, or not at all, is not read. Neither are the
// status of a meeting and the attendStatus of a member: conference_created carries the status that
// elsewhere means ended, so the scene alone tells what happened.
//
// Names are matched in any case: the stream connection is said to begin names with small letters
// where the callback begins them with capitals.
type body struct {
	EventType jsontext.Value `json:"EventType"`
	EventID   jsontext.Value `json:"eventId"`
	EventTime jsontext.Value `json:"EventTime"`
	BornTime  jsontext.Value `json:"eventBornTime"` // the stream connection's name for EventTime
	Code      jsontext.Value `json:"code"`
	ErrCode   jsontext.Value `json:"errcode"`
	Scene     jsontext.Value `json:"changeScene"`
	Meeting   jsontext.Value `json:"openConfModel"`
	Members   jsontext.Value `json:"openMemberModels"`
	// Data holds the rest where envelope and data come in one object.
	Data jsontext.Value `json:"data"`
}

type meetingModel struct {
	ConferenceID jsontext.Value `json:"conferenceId"`
	Title        jsontext.Value `json:"title"`
	StartTime    jsontext.Value `json:"startTime"`
	CreatorID    jsontext.Value `json:"creatorId"`
	CreatorNick  jsontext.Value `json:"creatorNick"`
}

// memberModel is one device of one person. userId holds the unionId, and is empty for people from
// outside.
type memberModel struct {
	UserID       jsontext.Value `json:"userId"`
	UserNick     jsontext.Value `json:"userNick"`
	ConferenceID jsontext.Value `json:"conferenceId"`
	JoinTime     jsontext.Value `json:"joinTime"`
	LeaveTime    jsontext.Value `json:"leaveTime"`
	Host         jsontext.Value `json:"host"`
	CoHost       jsontext.Value `json:"coHost"`
	PSTNJoin     jsontext.Value `json:"pstnJoin"`
}

// quotaCode is the code of a push without content, by which DingTalk says that the month's pushes
// are used up.
const quotaCode = 20001

// maxDepth is how many envelopes may be around the data: a frame's, and the event's own.
const maxDepth = 2

func readBody(data []byte) (body, error) {
	var b body
	if err := json.Unmarshal(wire.Body(data), &b, wire.AnyCase); err != nil {
		return body{}, err
	}
	for range maxDepth {
		if b.hasContent() || !b.open() {
			break
		}
	}
	return b, nil
}

// open takes what is missing from the data, where that comes in the same object, and reports
// whether there was any.
func (b *body) open() bool {
	inner := embedded(b.Data)
	var data body
	if len(inner) == 0 || inner.Kind() != '{' || json.Unmarshal(inner, &data, wire.AnyCase) != nil {
		return false
	}
	b.Data = data.Data
	for _, f := range []struct {
		missing *jsontext.Value
		given   jsontext.Value
	}{
		{&b.EventType, data.EventType},
		{&b.EventID, data.EventID},
		{&b.EventTime, data.EventTime},
		{&b.BornTime, data.BornTime},
		{&b.Code, data.Code},
		{&b.ErrCode, data.ErrCode},
		{&b.Scene, data.Scene},
		{&b.Meeting, data.Meeting},
		{&b.Members, data.Members},
	} {
		if wire.None(*f.missing) {
			*f.missing = f.given
		}
	}
	return true
}

// hasContent reports whether it says anything of a meeting.
func (b *body) hasContent() bool { return !isEmpty(b.Meeting) || !isEmpty(b.Members) }

func isEmpty(raw jsontext.Value) bool { return wire.None(raw) || wire.Empty(embedded(raw)) }

// exhausted reports whether it only says that the month's pushes are used up.
func (b *body) exhausted() bool {
	code, _ := wire.Code(b.Code)
	errCode, _ := wire.Code(b.ErrCode)
	return (code == quotaCode || errCode == quotaCode) && !b.hasContent()
}

// embedded is a value, or the one that is written in a text.
func embedded(raw jsontext.Value) jsontext.Value {
	if len(raw) == 0 || raw.Kind() != '"' {
		return raw
	}
	text, _ := wire.Text(raw)
	return jsontext.Value(text)
}

// meeting reads the meeting that the event is about.
func (b *body) meeting(odd *wire.Oddities) (meetingModel, error) {
	var m meetingModel
	if wire.None(b.Meeting) {
		return m, errors.New("no openConfModel")
	}
	if json.Unmarshal(embedded(b.Meeting), &m, wire.AnyCase) != nil {
		odd.Note(wire.PushMeeting, wire.Unreadable)
		return m, errors.New("openConfModel: not an object")
	}
	return m, nil
}

// members reads the elements of the list; a single one may stand for itself.
func (b *body) members(odd *wire.Oddities) ([]jsontext.Value, error) {
	raw := embedded(b.Members)
	if wire.None(raw) {
		return nil, nil
	}
	if raw.Kind() == '{' {
		odd.Note(wire.PushMembers, wire.Odd)
		return []jsontext.Value{raw}, nil
	}
	var rows []jsontext.Value
	if json.Unmarshal(raw, &rows, wire.Options) != nil {
		odd.Note(wire.PushMembers, wire.Unreadable)
		return nil, errors.New("openMemberModels: not a list")
	}
	return rows, nil
}
