package simulator

import (
	"strings"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// confModel is a meeting in a push.
type confModel struct {
	ConferenceID         string `json:"conferenceId"`
	Title                string `json:"title"`
	Status               int    `json:"status"`
	StartTime            int64  `json:"startTime"`
	ConfDuration         int64  `json:"confDuration"`
	CreatorID            string `json:"creatorId"`
	CreatorNick          string `json:"creatorNick"`
	InvitedNum           int    `json:"invitedNum"`
	ActiveNum            int    `json:"activeNum"`
	AttendNum            int    `json:"attendNum"`
	BizType              any    `json:"bizType"` // a string in one event, a number in the other
	BizScene             string `json:"bizScene"`
	CalendarEventID      string `json:"calendarEventId"`
	ScheduleConferenceID string `json:"scheduleConferenceId"`
}

// pushedMember is a device of a person in a push. The times may be missing.
type pushedMember struct {
	UserID       string `json:"userId"` // the unionId; empty for people from outside the organisation
	UserNick     string `json:"userNick"`
	ConferenceID string `json:"conferenceId"`
	JoinTime     *int64 `json:"joinTime,omitempty"`
	LeaveTime    *int64 `json:"leaveTime,omitempty"`
	Duration     *int64 `json:"duration,omitempty"`
	AttendStatus int    `json:"attendStatus"`
	DeviceType   string `json:"deviceType"`
	Host         bool   `json:"host"`
	CoHost       bool   `json:"coHost"`
	PSTNJoin     bool   `json:"pstnJoin"`
}

// newConfModel describes the meeting a notice is about. What status says is a trap: it means the
// opposite elsewhere.
func newConfModel(n history.Notice) *confModel {
	in := n.Info
	out := &confModel{
		ConferenceID: in.ID, Title: in.Title, StartTime: in.Start, ConfDuration: in.At - in.Start,
		CreatorID: in.Creator.UnionID, CreatorNick: in.Creator.Nick,
		InvitedNum: in.Asked, ActiveNum: in.Present, AttendNum: in.Attended,
		BizScene: "normal", ScheduleConferenceID: scheduleID(in.ID),
	}
	if n.Scene == history.SceneCreated {
		out.Status, out.BizType = meetingEnded, bizType
	} else {
		out.Status, out.BizType = meetingStarted, bizTypeNumber
	}
	return out
}

// newPushedMembers describes the devices a notice is about; nil when it is about the meeting.
func newPushedMembers(n history.Notice) []pushedMember {
	var out []pushedMember
	for _, m := range n.Members {
		out = append(out, newPushedMember(m, n))
	}
	return out
}

// newPushedMember describes one device of a person. A joining one has a leaveTime, as in DingTalk's
// own example.
func newPushedMember(m history.Noticed, n history.Notice) pushedMember {
	p := m.Person
	out := pushedMember{
		UserNick: p.Nick, ConferenceID: n.Info.ID, DeviceType: deviceType(m.Device),
		Host: p.Host, CoHost: p.CoHost, PSTNJoin: p.Phone,
	}
	if !p.Outer {
		out.UserID = p.UnionID
	}
	join, leave, duration := m.Join, n.Info.At, n.Info.At-m.Join
	switch n.Scene {
	case history.SceneJoin:
		out.AttendStatus, leave, duration = history.StatusActive, m.Join+10_000, 1000
	case history.SceneLeave:
		out.AttendStatus = history.StatusLeft
	case history.SceneKicked:
		out.AttendStatus = history.StatusKicked
	case history.SceneInvited:
		out.AttendStatus, leave, duration = history.StatusInvited, 0, 0
	}
	out.JoinTime, out.LeaveTime, out.Duration = &join, &leave, &duration
	return out
}

// deviceType is what the platform calls a device.
func deviceType(device string) string {
	switch device {
	case history.DefaultDevice:
		return "PC"
	case history.SecondDevice:
		return "Android"
	}
	return strings.ToUpper(device)
}
