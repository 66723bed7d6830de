package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/poller"
)

const (
	opInfo = "read the meeting"
	// statusEnded is confInfo.status of a meeting that is over; 0 is initial, 2 started.
	statusEnded = 1
)

// infoReply is the body of GET /v1.0/conference/videoConferences/{id}.
type infoReply struct {
	ConfInfo *meetingModel `json:"confInfo"`
	wire.Refusal
}

// meetingModel is a meeting as this call and the organisation's list give it. Values are raw,
// because some are numbers in one place and texts in another.
type meetingModel struct {
	ConferenceID jsontext.Value `json:"conferenceId"`
	Title        jsontext.Value `json:"title"`
	CreatorID    jsontext.Value `json:"creatorId"`
	CreatorNick  jsontext.Value `json:"creatorNick"`
	StartTime    jsontext.Value `json:"startTime"`
	EndTime      jsontext.Value `json:"endTime"`
	Status       jsontext.Value `json:"status"`
	ActiveNum    jsontext.Value `json:"activeNum"`
	AttendNum    jsontext.Value `json:"attendNum"`
}

// Info implements [poller.Source] with the call for one meeting,
// https://open.dingtalk.com/document/orgapp/query-video-conference-details. Texts are bounded as
// those of Members are, a title at 512 bytes.
func (c *Client) Info(ctx context.Context, conferenceID string) (poller.Info, error) {
	path, err := meetingPath(opInfo, conferenceID, "")
	if err != nil {
		return poller.Info{}, err
	}
	var info poller.Info
	err = c.newCall(opInfo).get(ctx, path, func(r reply) error {
		var body infoReply
		if err := json.Unmarshal(r.body, &body, wire.Options); err != nil {
			return err
		}
		if body.ConfInfo == nil || body.Refused() {
			return c.fault(opInfo, r)
		}
		var err error
		info, err = body.ConfInfo.info(c.odd, &infoFields)
		if err != nil {
			return fmt.Errorf("confInfo.%w", err)
		}
		return nil
	})
	if err != nil {
		return poller.Info{}, err
	}
	return info, nil
}

// info reads the description. What cannot be read is left empty, but for the status: an unreadable
// one is no reason to believe that the meeting goes on.
func (m *meetingModel) info(odd *wire.Oddities, f *modelFields) (poller.Info, error) {
	r := wire.Reader{Odd: odd}
	ended, err := m.ended(odd, f.status)
	start, _ := r.Time(f.start, m.StartTime)
	end, _ := r.Time(f.end, m.EndTime)
	return poller.Info{
		Title:         r.Text(f.title, m.Title, wire.MaxTitle),
		CreatorID:     r.UnionID(f.creator, m.CreatorID),
		CreatorNick:   r.Text(f.creatorNick, m.CreatorNick, wire.MaxNick),
		StartTime:     start,
		EndTime:       end,
		Ended:         ended,
		ActiveCount:   r.Count(wire.InfoActive, m.ActiveNum),
		AttendedCount: r.Count(wire.InfoAttended, m.AttendNum),
	}, err
}

func (m *meetingModel) ended(odd *wire.Oddities, f wire.Field) (bool, error) {
	status, reading := wire.Status(m.Status)
	odd.Note(f, reading)
	if reading == wire.Unreadable {
		return false, errors.New("status: not a number")
	}
	return status == statusEnded, nil
}

// modelFields are what the fields of a meetingModel are counted under.
type modelFields struct{ title, creator, creatorNick, start, end, status wire.Field }

var (
	infoFields = modelFields{
		wire.InfoTitle, wire.InfoCreator, wire.InfoCreatorNick, wire.InfoStart, wire.InfoEnd, wire.InfoStatus,
	}
	orgFields = modelFields{
		wire.OrgTitle, wire.OrgCreator, wire.OrgCreatorNick, wire.OrgStart, wire.OrgEnd, wire.OrgStatus,
	}
)
