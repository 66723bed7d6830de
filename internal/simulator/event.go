package simulator

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// The types of the meeting events. See
// https://open.dingtalk.com/document/orgapp/video-conference-events.
const (
	meetingEvent = "meeting_status_change"
	memberEvent  = "meeting_member_status_change"
	// targetSuffix ends the types of the events of meetings that the app itself created.
	targetSuffix = "_target_push"
	// unknownEvent is a type that no documentation mentions.
	unknownEvent = "meeting_weather_change"
)

// pushEvent is an event as a webhook gets it.
type pushEvent struct {
	EventType string `json:"EventType"`
	EventTime int64  `json:"EventTime"`
	CorpID    string `json:"CorpId"`
	BizID     string `json:"BizId"`
	EventID   string `json:"eventId"`
	eventData
}

// eventData is what happened; over the stream, it is all of the data.
type eventData struct {
	OpenConfModel    *confModel     `json:"openConfModel,omitempty"`
	OpenMemberModels []pushedMember `json:"openMemberModels,omitempty"`
	StatusSeqNum     int            `json:"statusSeqNum"`
	ChangeScene      string         `json:"changeScene"`
}

// newEvent makes an event of a notice. Its id is random.
func (s *Simulator) newEvent(n history.Notice, rng *rand.Rand) *pushEvent {
	e := &pushEvent{
		EventType: memberEvent, EventTime: n.Info.At, CorpID: s.settings.CorpID, BizID: fmt.Sprint(history.Hash(n.Info.ID) % 1_000_000),
		EventID:   fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()),
		eventData: eventData{OpenMemberModels: newPushedMembers(n), StatusSeqNum: n.Seq, ChangeScene: string(n.Scene)},
	}
	if n.Members == nil {
		e.EventType, e.OpenConfModel = meetingEvent, newConfModel(n)
	}
	if s.settings.Push.TargetPush {
		e.EventType += targetSuffix
	}
	return e
}

// with returns the event as the faults change what it says.
func (e *pushEvent) with(d damage) *pushEvent {
	out := *e
	if d.has(fault.PushForged) || d.has(fault.PushWrongOwner) {
		out = e.untrue()
	}
	if d.has(fault.PushUnknownType) {
		out.EventType = unknownEvent
	}
	out.OpenMemberModels = slices.Clone(out.OpenMemberModels)
	for i := range out.OpenMemberModels {
		m := &out.OpenMemberModels[i]
		if d.has(fault.PushNoUser) {
			m.UserID = ""
		}
		if d.has(fault.PushNoTimes) {
			m.JoinTime, m.LeaveTime, m.Duration = nil, nil, nil
		}
	}
	return &out
}

// intruder is the nickname of a person who is in no meeting.
const intruder = "Mallory"

// untrue is an event of a person who never joined, under the id of the true one: a receiver must
// neither believe it nor drop the true one as a repetition.
func (e *pushEvent) untrue() pushEvent {
	join, leave, duration := e.EventTime, e.EventTime+10_000, int64(1000)
	out := *e
	out.EventType = memberEvent + strings.TrimPrefix(strings.TrimPrefix(e.EventType, memberEvent), meetingEvent)
	out.eventData = eventData{
		StatusSeqNum: e.StatusSeqNum, ChangeScene: string(history.SceneJoin),
		OpenMemberModels: []pushedMember{{
			UserID: "forged-" + e.EventID, UserNick: intruder, ConferenceID: e.conferenceID(), AttendStatus: history.StatusActive,
			JoinTime: &join, LeaveTime: &leave, Duration: &duration, DeviceType: deviceType(history.DefaultDevice),
		}},
	}
	return out
}

func (e *pushEvent) conferenceID() string {
	if e.OpenConfModel != nil {
		return e.OpenConfModel.ConferenceID
	}
	return e.OpenMemberModels[0].ConferenceID
}

// encoded returns v as JSON.
func encoded(v any) []byte {
	data, _ := json.Marshal(v) // everything the simulator sends can be written
	return data
}
