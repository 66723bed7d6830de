package simulator

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// defaultPage is maxResults when it is not given.
const defaultPage = 128

// memberPage is one page of a member list.
type memberPage struct {
	MemberModels []memberModel `json:"memberModels"`
	NextToken    *string       `json:"nextToken,omitempty"`
	TotalCount   int           `json:"totalCount"`

	scope   string             // of its tokens
	from    int                // the number of its first row
	asked   int                // the number that was asked for, which may be beyond the last
	rows    int                // of the whole list
	opening func() *memberPage // what the call would have got without a token
}

// again is a token that leads to this page.
func (p *memberPage) again() string { return pageToken(p.from, p.scope) }

// presentFirst is the order of a list that moves: see [Settings].
const presentFirst = "present-first"

// memberModel is a row on the wire. See the official SDK's QueryConferenceMembersResponseBodyMemberModels.
type memberModel struct {
	UnionID        string `json:"unionId"`
	ConferenceID   string `json:"conferenceId"`
	UserNick       string `json:"userNick"`
	JoinTime       int64  `json:"joinTime,omitempty"`
	LeaveTime      int64  `json:"leaveTime,omitempty"`
	Duration       int64  `json:"duration"`
	AttendStatus   int    `json:"attendStatus"`
	Host           bool   `json:"host"`
	CoHost         bool   `json:"coHost"`
	OuterOrgMember bool   `json:"outerOrgMember,omitempty"` // left out for the organisation's own people
	PSTNJoin       bool   `json:"pstnJoin"`
}

// members answers a call for a page of a member list.
// See https://open.dingtalk.com/document/orgapp/queries-members-of-a-video-conference.
func (s *Simulator) members(c call, now int64) (any, *apiError) {
	m, err := s.find(c.meeting, now)
	if err != nil {
		return nil, err
	}
	if !m.listable() {
		return nil, failure(FaultNotFound)
	}
	from, length, err := s.pageOf(c, len(m.view.rows))
	if err != nil {
		return nil, err
	}
	rows := s.ordered(m.view.rows)
	asked, _ := parsePageToken(c.query.Get("nextToken"), c.meeting)
	page := &memberPage{
		MemberModels: s.models(m, rows[from:from+length]), TotalCount: s.total(m),
		scope: c.meeting, from: from, asked: asked, rows: len(rows),
	}
	page.opening = func() *memberPage { return s.opening(c, m, rows) }
	page.NextToken = s.nextToken(from+length, len(rows), c.meeting)
	return page, nil
}

// opening is the first page of a list, whichever a call asks for.
func (s *Simulator) opening(c call, m *meeting, rows []row) *memberPage {
	c.query = maps.Clone(c.query)
	c.query.Del("nextToken")
	_, length, _ := s.pageOf(c, len(rows)) // the call was found good before
	return &memberPage{MemberModels: s.models(m, rows[:length])}
}

// ordered is the list in the order of the settings.
func (s *Simulator) ordered(rows []row) []row {
	if s.settings.ListOrder != presentFirst {
		return rows
	}
	rows = slices.Clone(rows)
	absent := func(r row) int {
		if r.status == statusActive {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(absent(a), absent(b)), cmp.Compare(b.join, a.join))
	})
	return rows
}

func (s *Simulator) models(m *meeting, rows []row) []memberModel {
	out := make([]memberModel, 0, len(rows))
	for _, r := range rows {
		out = append(out, s.model(m, r))
	}
	return out
}

// total counts what the settings say that totalCount counts.
func (s *Simulator) total(m *meeting) int {
	switch s.settings.TotalCount {
	case "present":
		return m.view.present
	case "people":
		n := 0
		for i := range m.view.members {
			if len(m.view.members[i].rows) > 0 {
				n++
			}
		}
		return n
	}
	return len(m.view.rows)
}

func (s *Simulator) model(m *meeting, r row) memberModel {
	p, member := m.people[r.person], m.view.members[r.person]
	out := memberModel{
		UnionID: p.UnionID, ConferenceID: m.id, UserNick: member.nick,
		JoinTime: r.join, LeaveTime: r.leave, AttendStatus: r.status,
		Host: member.host, CoHost: member.coHost, OuterOrgMember: p.Outer, PSTNJoin: p.Phone,
	}
	switch {
	case r.join == 0:
	case r.status == statusActive:
		if !s.settings.FixedDuration {
			out.Duration = m.at - r.join
		}
	case r.leave >= r.join:
		out.Duration = r.leave - r.join
	}
	return out
}

// find returns a meeting that has begun, played up to now.
func (s *Simulator) find(id string, now int64) (*meeting, *apiError) {
	if id == "" {
		return nil, failure(FaultMissingRoom)
	}
	m, ok := s.meetings[id]
	if !ok {
		return nil, failure(FaultNotFound)
	}
	if m.advance(now); !m.begun() {
		return nil, failure(FaultNotFound)
	}
	if m.denied {
		return nil, failure(FaultDenied)
	}
	return m, nil
}

// pageOf returns which entries of n a call asks for: length of them, from the given one on.
func (s *Simulator) pageOf(c call, n int) (from, length int, err *apiError) {
	length = defaultPage
	if text := c.query.Get("maxResults"); text != "" {
		v, convErr := strconv.ParseInt(text, 10, 32)
		if convErr != nil || v < 1 {
			return 0, 0, failure(FaultParamError)
		}
		length = int(v)
	}
	from, ok := parsePageToken(c.query.Get("nextToken"), c.meeting)
	if !ok {
		return 0, 0, failure(FaultParamError)
	}
	from = min(from, n)
	length = min(length, s.settings.PageCap, n-from)
	if length > 1 && s.settings.ShortPages > 0 && s.rng.Float64() < s.settings.ShortPages {
		length = 1 + s.rng.IntN(length)
	}
	return from, length, nil
}

// nextToken returns the token of the page that begins at next, unless that is beyond the last of n entries.
func (s *Simulator) nextToken(next, n int, scope string) *string {
	token := ""
	if next < n {
		token = pageToken(next, scope)
	} else if !s.settings.EmptyLastToken {
		return nil
	}
	return &token
}
