package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	opOngoing   = "list the live meetings"
	maxMeetings = 100_000
)

// OngoingMeeting is one of the organisation's live meetings. Times are Unix milliseconds, 0 where unknown.
type OngoingMeeting struct {
	// ConferenceID is as DingTalk gives it: it may be one that Rollcall refuses to watch.
	ConferenceID string
	Title        string
	CreatorID    string
	CreatorNick  string
	StartTime    int64
	EndTime      int64
	// Ended says that the list still shows a meeting that is over.
	Ended bool
}

// Ongoing is the organisation's list of live meetings.
type Ongoing struct {
	Meetings []OngoingMeeting
	// Certain is false when the list may lack a meeting: those listed count, but the absence of another means nothing.
	Certain bool
}

// ongoingReply is a page of GET /v1.0/conference/orgConferences.
type ongoingReply struct {
	Meetings   *[]meetingModel `json:"onGoingConfList"`
	HasMore    jsontext.Value  `json:"hasMore"`
	NextToken  jsontext.Value  `json:"nextToken"`
	TotalCount jsontext.Value  `json:"totalCount"`
}

// ongoing collects the pages.
type ongoing struct {
	meetings []OngoingMeeting
	seen     []string
	next     string
	more     bool
	// uncertain says that a meeting may be missing.
	uncertain bool
}

// OngoingMeetings lists the organisation's live meetings: all pages or an error. It fails as [poller.Source] does.
func (c *Client) OngoingMeetings(ctx context.Context) (Ongoing, error) {
	var list ongoing
	k := c.newCall(opOngoing)
	path := "/v1.0/conference/orgConferences?maxResults=" + strconv.Itoa(c.pageSize)
	address := path
	for range maxPages {
		if err := k.get(ctx, address, list.page(k)); err != nil {
			return Ongoing{}, err
		}
		if !list.more {
			return Ongoing{Meetings: list.meetings, Certain: !list.uncertain}, nil
		}
		if slices.Contains(list.seen, list.next) {
			return Ongoing{}, voided(errors.New("a page token came twice"))
		}
		list.seen = append(list.seen, list.next)
		address = path + "&nextToken=" + url.QueryEscape(list.next)
	}
	return Ongoing{}, voided(fmt.Errorf("the list has more than %d pages", maxPages))
}

func voided(err error) error {
	e := &Error{Op: opOngoing, Kind: KindReply, Err: err}
	return e.source()
}

// page reads one reply.
func (l *ongoing) page(k *call) func(reply) error {
	return func(r reply) error {
		var body ongoingReply
		if err := json.Unmarshal(r.body, &body, wireOptions); err != nil {
			return err
		}
		if body.Meetings == nil && absent(body.HasMore) && absent(body.TotalCount) {
			return k.client.fault(k.op, r)
		}
		if err := l.turn(&body); err != nil {
			return err
		}
		if body.Meetings == nil {
			return nil
		}
		return l.add(*body.Meetings)
	}
}

// turn decides whether there is another page.
func (l *ongoing) turn(body *ongoingReply) error {
	token, err := appendText(nil, body.NextToken)
	if err != nil {
		return field("nextToken", err)
	}
	if len(token) > maxPageTokenSize {
		return fmt.Errorf("nextToken: longer than %d bytes", maxPageTokenSize)
	}
	promised, err := boolean(body.HasMore)
	if err != nil {
		return field("hasMore", err)
	}
	l.next = string(token)
	hasToken := l.next != "" && l.next != "0"
	if promised && !hasToken {
		return errors.New("hasMore is true, but there is no nextToken")
	}
	l.more = hasToken && (promised || absent(body.HasMore))
	return nil
}

func (l *ongoing) add(models []meetingModel) error {
	if len(l.meetings)+len(models) > maxMeetings {
		return fmt.Errorf("onGoingConfList: the list has more than %d meetings", maxMeetings)
	}
	added := make([]OngoingMeeting, 0, len(models))
	for i := range models {
		m := &models[i]
		info, err := m.info()
		r := fieldReader{err: err}
		added = append(added, OngoingMeeting{
			ConferenceID: r.text("conferenceId", m.ConferenceID, maxPathID+1),
			Title:        info.Title, CreatorID: info.CreatorID, CreatorNick: info.CreatorNick,
			StartTime: info.StartTime, EndTime: info.EndTime, Ended: info.Ended,
		})
		if r.err != nil {
			return field(fmt.Sprintf("onGoingConfList[%d]", i), r.err)
		}
	}
	l.meetings = append(l.meetings, added...)
	return nil
}
