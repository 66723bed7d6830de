package dingtalk

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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
}

// meetingModel is a meeting as this call and the organisation's list give it. Values are raw, because some are numbers
// in one place and texts in another.
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
// https://open.dingtalk.com/document/orgapp/query-video-conference-details. Texts are bounded as those of Members are,
// a title at 512 bytes.
func (c *Client) Info(ctx context.Context, conferenceID string) (poller.Info, error) {
	path, err := meetingPath(opInfo, conferenceID, "")
	if err != nil {
		return poller.Info{}, err
	}
	var info poller.Info
	err = c.newCall(opInfo).get(ctx, path, func(r reply) error {
		var body infoReply
		if err := json.Unmarshal(r.body, &body, wireOptions); err != nil {
			return err
		}
		if body.ConfInfo == nil {
			return c.fault(opInfo, r)
		}
		info, err = body.ConfInfo.info()
		return field("confInfo", err)
	})
	if err != nil {
		return poller.Info{}, err
	}
	return info, nil
}

func (m *meetingModel) info() (poller.Info, error) {
	var r fieldReader
	info := poller.Info{
		Title:         r.text("title", m.Title, maxTitle),
		CreatorID:     UnionID(r.text("creatorId", m.CreatorID, maxBody)),
		CreatorNick:   r.text("creatorNick", m.CreatorNick, maxNick),
		StartTime:     r.time("startTime", m.StartTime),
		EndTime:       r.time("endTime", m.EndTime),
		Ended:         r.number("status", m.Status) == statusEnded,
		ActiveCount:   max(r.number("activeNum", m.ActiveNum), 0),
		AttendedCount: max(r.number("attendNum", m.AttendNum), 0),
	}
	return info, r.err
}

// fieldReader reads raw values and keeps the first error.
type fieldReader struct{ err error }

func (r *fieldReader) note(name string, err error) {
	if r.err == nil {
		r.err = field(name, err)
	}
}

func (r *fieldReader) text(name string, raw jsontext.Value, limit int) string {
	text, err := appendText(nil, raw)
	r.note(name, err)
	return string(bounded(text, limit))
}

func (r *fieldReader) time(name string, raw jsontext.Value) int64 {
	at, err := unixMilli(raw)
	r.note(name, err)
	return at
}

func (r *fieldReader) number(name string, raw jsontext.Value) int {
	n, err := status(raw)
	r.note(name, err)
	return n
}
