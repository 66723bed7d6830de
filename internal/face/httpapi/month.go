package httpapi

import (
	"net/http"
	"time"

	"github.com/c4342123/rollcall/internal/base/problem"
)

// Month is how the calls and pushes of the calendar month stand.
type Month struct {
	// Edition is DingTalk's edition that counts, and Assumed that nobody has set it.
	Edition string `json:"edition"`
	Assumed bool   `json:"assumed"`
	// ByNumber says that the calls are set by their number, whatever the edition has.
	ByNumber bool `json:"byNumber"`
	// Unset says that there is no limit of calls only because the installation is older than the editions.
	Unset bool `json:"unset"`
	// SecondsPerCall is how much of the office hours there is for each call; 0 without a limit.
	SecondsPerCall float64 `json:"secondsPerCall,omitzero"`
	Calls          Quota   `json:"calls"`
	Pushes         Quota   `json:"pushes"`
}

// Quota is how much of something a month has.
type Quota struct {
	Used int `json:"used"`
	// Limit is how much there is, and Left what was not used of it; both are missing without a limit.
	Limit *int `json:"limit,omitzero"`
	Left  *int `json:"left,omitzero"`
	// Told says that the limit is not as set: DingTalk said that no more was left when so much was used.
	Told bool `json:"told"`
	// LastsUntil is until when it lasts, as it was used so far: the month's end where it lasts longer.
	LastsUntil *time.Time `json:"lastsUntil,omitzero"`
	// RunsOut says that this is before the month ends, and UsedUp that nothing is to be had now.
	RunsOut bool `json:"runsOut"`
	UsedUp  bool `json:"usedUp"`
	// RobotMessages is how many of the used pushes are messages of group robots.
	RobotMessages int `json:"robotMessages,omitzero"`
}

// month says how the calls and pushes of the month stand.
func (a *api) month(w http.ResponseWriter, _ *http.Request) {
	if !a.canAnswer(w) {
		return
	}
	m := a.opts.Month()
	if m == nil {
		problem.Write(w, http.StatusServiceUnavailable, "it is not known yet what the month has")
		return
	}
	problem.Reply(w, http.StatusOK, jsonType, m)
}
