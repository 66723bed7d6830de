package simulator

import (
	"encoding/json"
	"fmt"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// The values of a meeting's status. See the official SDK's
// QueryConferenceInfoBatchResponseBodyInfos.
const (
	meetingEnded   = 1
	meetingStarted = 2
)

// confInfo is a meeting on the wire. See the official SDK's
// QueryConferenceInfoResponseBodyConfInfo.
type confInfo struct {
	ConferenceID         string `json:"conferenceId"`
	Title                string `json:"title"`
	CreatorID            string `json:"creatorId"`
	CreatorNick          string `json:"creatorNick"`
	StartTime            int64  `json:"startTime"`
	EndTime              int64  `json:"endTime,omitempty"`
	ConfDuration         int64  `json:"confDuration"`
	Status               int    `json:"status"`
	ActiveNum            int    `json:"activeNum"`
	AttendNum            int    `json:"attendNum"`
	InvitedNum           int    `json:"invitedNum"`
	RoomCode             string `json:"roomCode"`
	ScheduleConferenceID string `json:"scheduleConferenceId"`
	BizType              string `json:"bizType"`
}

// info answers a call for one meeting's information.
func (s *Simulator) info(c call, now int64) (any, *apiError) {
	m, err := s.find(c.meeting, now)
	if err != nil {
		return nil, err
	}
	if !m.Known() {
		return nil, failure(fault.NotFound)
	}
	in := m.Info()
	out := confInfo{
		ConferenceID: in.ID, Title: in.Title, CreatorID: in.Creator.UnionID, CreatorNick: in.Creator.Nick,
		StartTime: in.Start, ConfDuration: in.At - in.Start, Status: meetingStarted,
		ActiveNum: in.Present, AttendNum: in.Attended, InvitedNum: in.Asked,
		RoomCode: roomCode(in.ID), ScheduleConferenceID: scheduleID(in.ID), BizType: bizType,
	}
	if in.Ended != 0 {
		out.Status, out.EndTime, out.ConfDuration = meetingEnded, in.Ended, in.Ended-in.Start
	}
	return map[string]any{"confInfo": out}, nil
}

const (
	bizType       = "3"
	bizTypeNumber = 3
)

// scheduleID returns the id of the appointment a meeting belongs to.
func scheduleID(conferenceID string) string { return fmt.Sprintf("%016x", history.Hash(conferenceID)) }

// roomCode returns the eleven digits people type to get into a meeting.
func roomCode(conferenceID string) string {
	return fmt.Sprintf("%011d", history.Hash(conferenceID)%100_000_000_000)
}

// ongoing is a live meeting on the wire. See the official SDK's
// QueryOrgConferenceListResponseBodyOnGoingConfList.
type ongoing struct {
	ConferenceID string `json:"conferenceId"`
	Title        string `json:"title"`
	Status       int    `json:"status"`
	StartTime    int64  `json:"startTime"`
	CreatorID    string `json:"creatorId"`
	CreatorNick  string `json:"creatorNick"`
	BizType      string `json:"bizType"`
	RoomCode     string `json:"roomCode"`
}

type orgPage struct {
	OnGoingConfList []ongoing `json:"onGoingConfList"`
	HasMore         bool      `json:"hasMore"`
	NextToken       *string   `json:"nextToken,omitempty"`
	TotalCount      int       `json:"totalCount"`
}

// org answers a call for the organisation's live meetings.
func (s *Simulator) org(c call, now int64) (any, *apiError) {
	live := make([]*history.Meeting, 0, s.meetings.Len())
	for _, m := range s.meetings.Begun(now) {
		if m.Live() && !m.Unlisted() {
			live = append(live, m)
		}
	}
	from, length, err := s.pageOf(c, len(live))
	if err != nil {
		return nil, err
	}
	page := orgPage{OnGoingConfList: make([]ongoing, 0, length), TotalCount: len(live), HasMore: from+length < len(live)}
	for _, m := range live[from : from+length] {
		in := m.Info()
		page.OnGoingConfList = append(page.OnGoingConfList, ongoing{
			ConferenceID: in.ID, Title: in.Title, Status: meetingStarted, StartTime: in.Start,
			CreatorID: in.Creator.UnionID, CreatorNick: in.Creator.Nick, BizType: bizType, RoomCode: roomCode(in.ID),
		})
	}
	page.NextToken = s.nextToken(from+length, len(live), c.meeting)
	return page, nil
}

// batchInfo is a meeting in the reply to a query of several. See the official SDK's
// QueryConferenceInfoBatchResponseBodyInfos.
type batchInfo struct {
	ConferenceID string      `json:"conferenceId"`
	Title        string      `json:"title"`
	StartTime    int64       `json:"startTime"`
	Status       int         `json:"status"`
	MediaStatus  int         `json:"mediaStatus"`
	UserList     []batchUser `json:"userList"`
}

type batchUser struct {
	UserID       string `json:"userId"`
	Nick         string `json:"nick"`
	AttendStatus int    `json:"attendStatus"`
	CameraStatus int    `json:"cameraStatus"`
	MicStatus    int    `json:"micStatus"`
}

// maxQueried bounds the ids of one query.
const maxQueried = 100

// query answers a call about several meetings: it names the live ones among them.
func (s *Simulator) query(c call, now int64) (any, *apiError) {
	var req struct {
		ConferenceIDList []string `json:"conferenceIdList"`
	}
	if json.Unmarshal(c.body, &req) != nil || len(req.ConferenceIDList) > maxQueried {
		return nil, failure(fault.ParamError)
	}
	if len(req.ConferenceIDList) == 0 {
		return nil, failure(fault.MissingRoom)
	}
	infos := make([]batchInfo, 0, len(req.ConferenceIDList))
	for _, id := range req.ConferenceIDList {
		m, err := s.find(id, now)
		if err != nil || !m.Live() {
			continue
		}
		in := m.Info()
		out := batchInfo{ConferenceID: in.ID, Title: in.Title, StartTime: in.Start, Status: meetingStarted}
		for _, r := range m.Rows() {
			p := m.Person(r.Person)
			out.UserList = append(out.UserList, batchUser{UserID: p.UnionID, Nick: p.Nick, AttendStatus: r.Status})
		}
		infos = append(infos, out)
	}
	return map[string]any{"infos": infos}, nil
}
