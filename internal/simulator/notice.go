package simulator

import (
	"slices"
	"strings"
)

// The scenes of the meeting events, DingTalk's changeScene.
// See https://open.dingtalk.com/document/orgapp/video-conference-events.
const (
	sceneCreated = "conference_created"
	sceneClosed  = "conference_closed"
	sceneJoin    = "user_join"
	sceneLeave   = "user_leave"
	sceneKicked  = "user_kicked"
	sceneInvited = "user_invited"
)

// notice is one thing the platform tells by itself: what happened in a meeting, about the meeting or some members.
type notice struct {
	meeting string
	at      int64 // Unix milliseconds
	seq     int   // among the meeting's notices, from 1
	scene   string
	conf    *confModel
	members []pushedMember
}

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

// confModel describes the meeting as it is in f. What status says is a trap: it means the opposite elsewhere.
func (f *fold) confModel(scene string, at int64) *confModel {
	m := f.meeting
	creator := m.creator()
	out := &confModel{
		ConferenceID: m.id, Title: m.title, StartTime: m.start, ConfDuration: at - m.start,
		CreatorID: creator.UnionID, CreatorNick: creator.Nick,
		InvitedNum: f.asked, ActiveNum: f.present, AttendNum: f.attended,
		BizScene: "normal", ScheduleConferenceID: scheduleID(m.id),
	}
	if scene == sceneCreated {
		out.Status, out.BizType = meetingEnded, bizType
	} else {
		out.Status, out.BizType = meetingStarted, bizTypeNumber
	}
	return out
}

// pushedMember describes one device of a person as it is in f. A joining one has a leaveTime, as in DingTalk's own
// example.
func (f *fold) pushedMember(person int, device, scene string, at int64) pushedMember {
	p, m := f.meeting.people[person], &f.members[person]
	r := f.rows[m.rows[f.rowKey(device)]]
	out := pushedMember{
		UserNick: m.nick, ConferenceID: f.meeting.id, DeviceType: deviceType(device),
		Host: m.host, CoHost: m.coHost, PSTNJoin: p.Phone,
	}
	if !p.Outer {
		out.UserID = p.UnionID
	}
	join, leave, duration := r.join, at, at-r.join
	switch scene {
	case sceneJoin:
		out.AttendStatus, leave, duration = statusActive, r.join+10_000, 1000
	case sceneLeave:
		out.AttendStatus = statusLeft
	case sceneKicked:
		out.AttendStatus = statusKicked
	case sceneInvited:
		out.AttendStatus, leave, duration = statusInvited, 0, 0
	}
	out.JoinTime, out.LeaveTime, out.Duration = &join, &leave, &duration
	return out
}

// deviceType is what the platform calls a device.
func deviceType(device string) string {
	switch device {
	case DefaultDevice:
		return "PC"
	case secondDevice:
		return "Android"
	}
	return strings.ToUpper(device)
}

// touched returns the devices that a notice about the action names, as they are before it happens. Where a person has
// one row for all devices, only the first to come and the last to go are told of.
func (f *fold) touched(a Action, member *member) []string {
	one := f.meeting.deviceRows == OneRow
	switch a.Do {
	case Join:
		if one && len(member.open) > 0 {
			return nil
		}
		return []string{a.Device}
	case Invite:
		return []string{a.Device}
	case Leave, Kick:
		if a.Device == "" {
			if one {
				return slices.Clone(member.open[:min(1, len(member.open))])
			}
			return slices.Clone(member.open)
		}
		if one && len(member.open) > 1 {
			return nil
		}
		return []string{a.Device}
	}
	return nil
}

// sceneOf returns the scene of a member's action; "" for what the platform does not tell.
func sceneOf(do Verb) string {
	switch do {
	case Join:
		return sceneJoin
	case Leave:
		return sceneLeave
	case Kick:
		return sceneKicked
	case Invite:
		return sceneInvited
	}
	return ""
}
