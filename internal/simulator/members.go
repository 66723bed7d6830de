package simulator

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// defaultPage is maxResults when it is not given.
const defaultPage = 128

// memberPage is one page of a member list.
type memberPage struct {
	MemberModels []memberModel `json:"memberModels"`
	NextToken    *string       `json:"nextToken,omitempty"`
	TotalCount   int           `json:"totalCount"`

	list fault.Page // what the faults that change it have to know
}

// presentFirst is the order of a list that moves: see [Settings].
const presentFirst = "present-first"

// memberModel is a row on the wire. See the official SDK's
// QueryConferenceMembersResponseBodyMemberModels.
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
	if !m.Listable() {
		return nil, failure(fault.NotFound)
	}
	from, length, err := s.pageOf(c, len(m.Rows()))
	if err != nil {
		return nil, err
	}
	rows := s.ordered(m.Rows())
	asked, _ := parsePageToken(c.query.Get("nextToken"), c.meeting)
	page := &memberPage{MemberModels: s.models(m, rows[from:from+length]), TotalCount: s.total(m)}
	page.list = fault.Page{
		Body: page, From: from, Asked: asked, Rows: len(rows),
		Token:   func(from int) string { return pageToken(from, c.meeting) },
		Opening: func() any { return s.opening(c, m, rows) },
	}
	page.NextToken = s.nextToken(from+length, len(rows), c.meeting)
	return page, nil
}

// opening is the first page's rows, whichever page a call asks for.
func (s *Simulator) opening(c call, m *history.Meeting, rows []history.Row) []memberModel {
	c.query = maps.Clone(c.query)
	c.query.Del("nextToken")
	_, length, _ := s.pageOf(c, len(rows)) // the call was found good before
	return s.models(m, rows[:length])
}

// ordered is the list in the order of the settings.
func (s *Simulator) ordered(rows []history.Row) []history.Row {
	if s.settings.ListOrder != presentFirst {
		return rows
	}
	rows = slices.Clone(rows)
	absent := func(r history.Row) int {
		if r.Status == history.StatusActive {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(absent(a), absent(b)), cmp.Compare(b.Join, a.Join))
	})
	return rows
}

func (s *Simulator) models(m *history.Meeting, rows []history.Row) []memberModel {
	out, info := make([]memberModel, 0, len(rows)), m.Info()
	for _, r := range rows {
		out = append(out, s.model(m.Person(r.Person), r, info))
	}
	return out
}

// total counts what the settings say that totalCount counts.
func (s *Simulator) total(m *history.Meeting) int {
	switch s.settings.TotalCount {
	case "present":
		return m.Info().Present
	case "people":
		return m.Listed()
	}
	return len(m.Rows())
}

func (s *Simulator) model(p history.Person, r history.Row, of history.Info) memberModel {
	out := memberModel{
		UnionID: p.UnionID, ConferenceID: of.ID, UserNick: p.Nick,
		JoinTime: r.Join, LeaveTime: r.Leave, AttendStatus: r.Status,
		Host: p.Host, CoHost: p.CoHost, OuterOrgMember: p.Outer, PSTNJoin: p.Phone,
	}
	switch {
	case r.Join == 0:
	case r.Status == history.StatusActive:
		if !s.settings.FixedDuration {
			out.Duration = of.At - r.Join
		}
	case r.Leave >= r.Join:
		out.Duration = r.Leave - r.Join
	}
	return out
}

// find returns a meeting that has begun, played up to now.
func (s *Simulator) find(id string, now int64) (*history.Meeting, *apiError) {
	if id == "" {
		return nil, failure(fault.MissingRoom)
	}
	m, ok := s.meetings.Find(id)
	if !ok {
		return nil, failure(fault.NotFound)
	}
	if m.Advance(now); !m.Begun() {
		return nil, failure(fault.NotFound)
	}
	if m.Denied() {
		return nil, failure(fault.Denied)
	}
	return m, nil
}

// pageOf returns which entries of n a call asks for: length of them, from the given one on.
func (s *Simulator) pageOf(c call, n int) (from, length int, err *apiError) {
	length = defaultPage
	if text := c.query.Get("maxResults"); text != "" {
		v, convErr := strconv.ParseInt(text, 10, 32)
		if convErr != nil || v < 1 {
			return 0, 0, failure(fault.ParamError)
		}
		length = int(v)
	}
	from, ok := parsePageToken(c.query.Get("nextToken"), c.meeting)
	if !ok {
		return 0, 0, failure(fault.ParamError)
	}
	from = min(from, n)
	length = min(length, s.settings.PageCap, n-from)
	if length > 1 && s.settings.ShortPages > 0 && s.rng.Float64() < s.settings.ShortPages {
		length = 1 + s.rng.IntN(length)
	}
	return from, length, nil
}

// nextToken returns the token of the page that begins at next, unless that is beyond the last of n
// entries.
func (s *Simulator) nextToken(next, n int, scope string) *string {
	token := ""
	if next < n {
		token = pageToken(next, scope)
	} else if !s.settings.EmptyLastToken {
		return nil
	}
	return &token
}
