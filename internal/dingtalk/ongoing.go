package dingtalk

import (
	"context"
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
	progress
	meetings []OngoingMeeting
	listed   map[string]bool // the ids on the pages so far
	fresh    int             // meetings that the page last read brought
	repeated bool            // and it had some that were on another page
	next     string          // empty after the last page
	// uncertain says that a meeting may be missing.
	uncertain bool
}

// OngoingMeetings lists the organisation's live meetings: all pages or an error. A list that moved while it was read, or
// was left because it makes no progress, is uncertain; it is not read again for that. It fails as [poller.Source] does.
func (c *Client) OngoingMeetings(ctx context.Context) (Ongoing, error) {
	var list ongoing
	list.reset()
	k := c.newCall(opOngoing)
	path := "/v1.0/conference/orgConferences?maxResults=" + strconv.Itoa(c.pageSize)
	address := path
	for {
		before := len(list.meetings)
		if err := k.get(ctx, address, list.page(k)); err != nil {
			if list.pages == 0 || !list.complete(before) || !refused(err) {
				return Ongoing{}, err
			}
			break // the token of the last page led nowhere
		}
		if list.beyondEnd(list.next, before, list.fresh) {
			break
		}
		list.uncertain = list.uncertain || list.repeated
		if !list.more(list.next, len(list.meetings), list.fresh) {
			break
		}
		address = path + "&nextToken=" + url.QueryEscape(list.next)
	}
	return Ongoing{Meetings: list.meetings, Certain: !list.uncertain && !list.stuck && !list.recounted}, nil
}

// page reads one reply.
func (l *ongoing) page(k *call) func(reply) error {
	return func(r reply) error {
		var body ongoingReply
		if err := json.Unmarshal(r.body, &body, wireOptions); err != nil {
			return err
		}
		if body.Meetings == nil && absent(body.HasMore) && absent(body.TotalCount) {
			if !l.emptyAfterLast(r) {
				return k.client.fault(k.op, r)
			}
			body.NextToken = nil
			l.uncertain = l.uncertain || l.total < 0
		}
		if err := l.turn(&body); err != nil {
			return err
		}
		before := len(l.meetings)
		if body.Meetings != nil {
			if err := l.add(*body.Meetings); err != nil {
				return err
			}
		}
		l.distinguish(before)
		return nil
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
	switch {
	case !promised && !absent(body.HasMore):
		l.next = ""
	case promised && isLastToken(l.next):
		l.uncertain = true // there is more, and no way to it
	}
	if n, _, err := integer(body.TotalCount); err == nil && n >= 0 && !absent(body.TotalCount) {
		l.counted(n)
	}
	return nil
}

// emptyAfterLast tells whether a reply that is no list is an empty object after the last page.
func (l *ongoing) emptyAfterLast(r reply) bool {
	var fields map[string]jsontext.Value
	if l.pages == 0 || int64(len(l.meetings)) < l.total || json.Unmarshal(r.body, &fields, wireOptions) != nil {
		return false
	}
	for name := range fields {
		if !slices.Contains([]string{"onGoingConfList", "hasMore", "nextToken", "totalCount"}, name) {
			return false
		}
	}
	return true
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

// distinguish leaves out those of the page's meetings that were on another page, which come of a list that moved. The
// first n meetings are of the pages before.
func (l *ongoing) distinguish(n int) {
	page := l.meetings[n:]
	if l.listed == nil {
		l.listed = make(map[string]bool, len(page))
	}
	kept := slices.DeleteFunc(page, func(m OngoingMeeting) bool { return l.listed[m.ConferenceID] })
	for i := range kept {
		l.listed[kept[i].ConferenceID] = true
	}
	l.fresh = len(kept)
	l.repeated = len(page) > len(kept)
	l.meetings = l.meetings[:n+len(kept)]
}
