package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
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

// info reads the description. What cannot be read is left empty, but for the status: an unreadable one is no reason to
// believe that the meeting goes on.
func (m *meetingModel) info(odd *wire.Oddities, f *modelFields) (poller.Info, error) {
	r := fieldReader{odd}
	ended, err := m.ended(odd, f.status)
	return poller.Info{
		Title:         r.text(f.title, m.Title, maxTitle),
		CreatorID:     r.id(f.creator, m.CreatorID),
		CreatorNick:   r.text(f.creatorNick, m.CreatorNick, maxNick),
		StartTime:     r.time(f.start, m.StartTime),
		EndTime:       r.time(f.end, m.EndTime),
		Ended:         ended,
		ActiveCount:   r.count(wire.InfoActive, m.ActiveNum),
		AttendedCount: r.count(wire.InfoAttended, m.AttendNum),
	}, err
}

func (m *meetingModel) ended(odd *wire.Oddities, f wire.Field) (bool, error) {
	status, reading := readStatus(m.Status)
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

// fieldReader reads raw values and counts the odd ones.
type fieldReader struct{ odd *wire.Oddities }

func (r fieldReader) text(f wire.Field, raw jsontext.Value, limit int) string {
	text, reading := wire.AppendText(nil, raw)
	r.odd.Note(f, reading)
	return string(plaintext.Cut(text, limit))
}

func (r fieldReader) id(f wire.Field, raw jsontext.Value) string {
	text, reading := wire.AppendID(nil, raw)
	r.odd.Note(f, reading)
	return string(carriedID(text))
}

func (r fieldReader) time(f wire.Field, raw jsontext.Value) int64 {
	at, reading := wire.Time(raw)
	r.odd.Note(f, reading)
	return at
}

func (r fieldReader) count(f wire.Field, raw jsontext.Value) int {
	n, reading := readStatus(raw)
	r.odd.Note(f, reading)
	return max(n, 0)
}
