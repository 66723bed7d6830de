package api

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

const (
	opOngoing   = "list the live meetings"
	maxMeetings = 100_000
)

// OngoingMeeting is one of the organisation's live meetings. Times are Unix milliseconds, 0 where
// unknown.
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
	// Certain is false when the list may lack a meeting: those listed count, but the absence of
	// another means nothing.
	Certain bool
}

// ongoingReply is a page of GET /v1.0/conference/orgConferences.
type ongoingReply struct {
	Meetings   jsontext.Value `json:"onGoingConfList"`
	HasMore    jsontext.Value `json:"hasMore"`
	NextToken  jsontext.Value `json:"nextToken"`
	TotalCount jsontext.Value `json:"totalCount"`
	Code       jsontext.Value `json:"code"`
	wire.Refusal
}

// ongoing collects the pages.
type ongoing struct {
	progress
	meetings []OngoingMeeting
	leftOut  int             // meetings that cannot be read
	listed   map[string]bool // the ids on the pages so far
	fresh    int             // meetings that the page last read brought
	repeated bool            // and it had some that were on another page
	next     string          // empty after the last page
	// uncertain says that a meeting may be missing.
	uncertain bool
}

// OngoingMeetings lists the organisation's live meetings: all pages or an error. A list that moved
// while it was read, or was left because it makes no progress, is uncertain; it is not read again
// for that. It fails as [poller.Source] does.
func (c *Client) OngoingMeetings(ctx context.Context) (Ongoing, error) {
	var list ongoing
	list.reset()
	k := c.newCall(opOngoing)
	path := "/v1.0/conference/orgConferences?maxResults=" + strconv.Itoa(c.pageSize)
	address := path
	for {
		before := list.count()
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
		if !list.more(list.next, list.count(), list.fresh) {
			break
		}
		address = path + "&nextToken=" + url.QueryEscape(list.next)
	}
	return Ongoing{Meetings: list.meetings, Certain: !list.uncertain && !list.stuck && !list.recounted}, nil
}

// count is the number of meetings, those that cannot be read included.
func (l *ongoing) count() int { return len(l.meetings) + l.leftOut }

// page reads one reply.
func (l *ongoing) page(k *call) func(reply) error {
	return func(r reply) error {
		var body ongoingReply
		if err := json.Unmarshal(r.body, &body, wire.Options); err != nil {
			return err
		}
		switch {
		case body.Refused(), wire.IsFailure(body.Code) && (wire.None(body.Meetings) || wire.Empty(body.Meetings)):
			return k.client.fault(k.op, r)
		case !wire.None(body.Meetings) || !wire.Missing(body.HasMore) || !wire.None(body.TotalCount):
		case !l.emptyAfterLast(r):
			return k.client.fault(k.op, r)
		default:
			body.NextToken = nil
			l.uncertain = l.uncertain || l.total < 0
		}
		if err := l.turn(k.client.odd, &body); err != nil {
			return err
		}
		before := len(l.meetings)
		if err := l.add(k.client.odd, body.Meetings); err != nil {
			return err
		}
		l.distinguish(before)
		return nil
	}
}

// turn decides whether there is another page. Where that cannot be read, there may be one.
func (l *ongoing) turn(odd *wire.Oddities, body *ongoingReply) error {
	next, reading := readToken(body.NextToken)
	odd.Note(wire.OrgToken, reading)
	if reading == wire.Unreadable {
		l.uncertain = true
	}
	promised, said, reading := wire.BoolGiven(body.HasMore)
	odd.Note(wire.OrgMore, reading)
	if reading == wire.Unreadable && next == "" {
		l.uncertain = true
	}
	l.next = next
	switch {
	case said && !promised:
		l.next = ""
	case promised && isLastToken(next):
		l.uncertain = true // there is more, and no way to it
	}
	n, reading := wire.Int(body.TotalCount)
	odd.Note(wire.OrgTotal, reading)
	if reading != wire.Unreadable && !wire.None(body.TotalCount) && n >= 0 {
		l.counted(n)
	}
	return nil
}

// emptyAfterLast tells whether a reply that is no list is an empty object after the last page.
func (l *ongoing) emptyAfterLast(r reply) bool {
	var fields map[string]jsontext.Value
	if l.pages == 0 || int64(l.count()) < l.total || json.Unmarshal(r.body, &fields, wire.Options) != nil {
		return false
	}
	for name := range fields {
		if !slices.Contains([]string{"onGoingConfList", "hasMore", "nextToken", "totalCount"}, name) {
			return false
		}
	}
	return true
}

// readToken reads a page token. One that is too long for a URL is unreadable.
func readToken(raw jsontext.Value) (string, wire.Reading) {
	token, reading := wire.Text(raw)
	if len(token) > maxPageTokenSize {
		return "", wire.Unreadable
	}
	return token, reading
}

// add takes in the meetings of a page. One that cannot be read does not keep the others from being
// found.
func (l *ongoing) add(odd *wire.Oddities, list jsontext.Value) error {
	if wire.None(list) || wire.Empty(list) {
		return nil
	}
	var rows []jsontext.Value
	if err := json.Unmarshal(list, &rows, wire.Options); err != nil {
		odd.Note(wire.Org, wire.Unreadable)
		return errors.New("onGoingConfList: not a list")
	}
	if len(l.meetings)+len(rows) > maxMeetings {
		return fmt.Errorf("onGoingConfList: the list has more than %d meetings", maxMeetings)
	}
	for _, raw := range rows {
		m, ok := readOngoing(odd, raw)
		if !ok {
			l.leftOut++
			l.uncertain = true
			continue
		}
		l.meetings = append(l.meetings, m)
	}
	return nil
}

// distinguish leaves out those of the page's meetings that were on another page, which come of a
// list that moved. The first n meetings are of the pages before.
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

// readOngoing reads one meeting, or says that it cannot be told which one it is.
func readOngoing(odd *wire.Oddities, raw jsontext.Value) (OngoingMeeting, bool) {
	var m meetingModel
	if raw.Kind() != '{' || json.Unmarshal(raw, &m, wire.Options) != nil {
		odd.Note(wire.OrgRow, wire.Unreadable)
		return OngoingMeeting{}, false
	}
	id, reading := wire.AppendID(nil, m.ConferenceID)
	odd.Note(wire.OrgID, reading)
	if len(id) == 0 {
		odd.Note(wire.OrgRow, wire.Unreadable)
		return OngoingMeeting{}, false
	}
	// With an unreadable status it goes on: this is the list of those that do.
	info, _ := m.info(odd, &orgFields)
	return OngoingMeeting{
		ConferenceID: string(plaintext.Cut(id, maxPathID+1)),
		Title:        info.Title, CreatorID: info.CreatorID, CreatorNick: info.CreatorNick,
		StartTime: info.StartTime, EndTime: info.EndTime, Ended: info.Ended,
	}, true
}
