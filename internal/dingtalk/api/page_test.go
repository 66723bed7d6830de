package api

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// plainPage is a page as the plain decoder reads it.
type plainPage struct {
	MemberModels []plainMember `json:"memberModels"`
	NextToken    string        `json:"nextToken,omitzero"`
	TotalCount   *int64        `json:"totalCount,omitzero"`
}

type plainMember struct {
	UnionID        string `json:"unionId"`
	ConferenceID   string `json:"conferenceId"`
	UserNick       string `json:"userNick"`
	JoinTime       int64  `json:"joinTime"`
	LeaveTime      int64  `json:"leaveTime"`
	Duration       int64  `json:"duration"`
	AttendStatus   int64  `json:"attendStatus"`
	Host           bool   `json:"host"`
	CoHost         bool   `json:"coHost"`
	OuterOrgMember bool   `json:"outerOrgMember,omitzero"`
	PSTNJoin       bool   `json:"pstnJoin"`
}

// memberPage is a page of n members numbered from first.
func memberPage(first, n int, next string, total int64) []byte {
	page := plainPage{MemberModels: []plainMember{}, NextToken: next}
	if total >= 0 {
		page.TotalCount = &total
	}
	for i := first; i < first+n; i++ {
		page.MemberModels = append(page.MemberModels, plainMember{
			UnionID: unionID(i), ConferenceID: "61289fxxxb5f6b4be2b", UserNick: "Member " + strconv.Itoa(i),
			JoinTime: 1_700_000_000_000 + int64(i), AttendStatus: 3, Duration: 60_000, Host: i == 0,
		})
	}
	body, err := json.Marshal(page)
	if err != nil {
		panic(err)
	}
	return body
}

func unionID(i int) string { return fmt.Sprintf("%s%06d", strings.Repeat("x", 16), i) }
