package simulator

import (
	"errors"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// Settings are the properties of the simulated platform. The zero value works.
type Settings struct {
	// AppKey and AppSecret are the internal app's; DefaultAppKey and DefaultAppSecret when empty.
	// The client credentials grant takes the same pair.
	AppKey    string `yaml:"appKey,omitempty"`
	AppSecret string `yaml:"appSecret,omitempty"`
	// SuiteKey and SuiteSecret are the third-party app's; those of the internal app when empty.
	SuiteKey    string `yaml:"suiteKey,omitempty"`
	SuiteSecret string `yaml:"suiteSecret,omitempty"`
	// CorpID is the organisation; DefaultCorpID when empty.
	CorpID string `yaml:"corpId,omitempty"`
	// AccessToken is accepted at all times, besides the tokens handed out; none when empty.
	AccessToken string `yaml:"accessToken,omitempty"`
	// TokenLife is how long a token is good for, in real time: 2 hours when 0.
	TokenLife history.Duration `yaml:"tokenLife,omitempty"`
	// RenewToken starts a token's life anew whenever it is asked for. Otherwise expireIn counts
	// down.
	RenewToken bool `yaml:"renewToken,omitempty"`
	// PageCap is the most rows on a page, whatever maxResults says; 128 when 0.
	PageCap int `yaml:"pageCap,omitempty"`
	// ShortPages is the probability that a page is shorter than asked for.
	ShortPages float64 `yaml:"shortPages,omitempty"`
	// EmptyLastToken gives the last page an empty nextToken. Otherwise it has none.
	EmptyLastToken bool `yaml:"emptyLastToken,omitempty"`
	// TotalCount is what totalCount counts: "rows" (when empty), "people" who have a row, or
	// "present" people.
	TotalCount string `yaml:"totalCount,omitempty"`
	// ListOrder is the order of a member list: "joined", in the order in which rows were added,
	// when empty, or "present-first", those present before the rest and the newest first, so that
	// each join and leave shifts the others between the pages.
	ListOrder string `yaml:"listOrder,omitempty"`
	// FixedDuration keeps the duration of open rows at 0. Otherwise it grows with every look.
	FixedDuration bool `yaml:"fixedDuration,omitempty"`
	// CallsPerSecond is the limit of every API: 20 on the real platform, none when 0.
	CallsPerSecond int `yaml:"callsPerSecond,omitempty"`
	// MonthlyCalls is the organisation's quota of calls in a calendar month; none when 0.
	MonthlyCalls int `yaml:"monthlyCalls,omitempty"`
	// Push and Stream are about what the platform sends by itself.
	Push   PushSettings   `yaml:"push,omitempty"`
	Stream StreamSettings `yaml:"stream,omitempty"`
	// Robots are the custom group robots; one with the default token and secret when there are
	// none.
	Robots []RobotSettings `yaml:"robots,omitempty"`
}

// What a simulator goes by where its settings are silent.
const (
	DefaultAppKey    = "dingsimulatedapp"
	DefaultAppSecret = "simulated-app-secret"
	DefaultCorpID    = "dingsimulatedcorp"
	DefaultTokenLife = 2 * time.Hour
	DefaultPageCap   = 128
)

func (s Settings) validate() error {
	switch {
	case s.TokenLife < 0:
		return fmt.Errorf("%w: settings.tokenLife is negative", history.ErrScenario)
	case s.PageCap < 0:
		return fmt.Errorf("%w: settings.pageCap is negative", history.ErrScenario)
	case !history.IsShare(s.ShortPages):
		return fmt.Errorf("%w: settings.shortPages is %v, not between 0 and 1", history.ErrScenario, s.ShortPages)
	case s.TotalCount != "" && s.TotalCount != "rows" && s.TotalCount != "people" && s.TotalCount != "present":
		return fmt.Errorf("%w: settings.totalCount is %q, none of rows, people, present", history.ErrScenario, s.TotalCount)
	case s.ListOrder != "" && s.ListOrder != "joined" && s.ListOrder != presentFirst:
		return fmt.Errorf("%w: settings.listOrder is %q, neither joined nor %s", history.ErrScenario, s.ListOrder, presentFirst)
	case s.CallsPerSecond < 0 || s.CallsPerSecond > maxCallsPerSecond:
		return fmt.Errorf("%w: settings.callsPerSecond is not between 0 and %d", history.ErrScenario, maxCallsPerSecond)
	case s.MonthlyCalls < 0:
		return fmt.Errorf("%w: settings.monthlyCalls is negative", history.ErrScenario)
	}
	return errors.Join(s.Push.validate(), s.Stream.validate(), validateRobots(s.Robots))
}

// over returns s where it says something, and base where s is silent.
func (s Settings) over(base Settings) Settings {
	pick(&s.AppKey, base.AppKey, DefaultAppKey)
	pick(&s.AppSecret, base.AppSecret, DefaultAppSecret)
	pick(&s.SuiteKey, base.SuiteKey, s.AppKey)
	pick(&s.SuiteSecret, base.SuiteSecret, s.AppSecret)
	pick(&s.CorpID, base.CorpID, DefaultCorpID)
	pick(&s.AccessToken, base.AccessToken)
	pick(&s.TokenLife, base.TokenLife, history.Duration(DefaultTokenLife))
	pick(&s.RenewToken, base.RenewToken)
	pick(&s.PageCap, base.PageCap, DefaultPageCap)
	pick(&s.ShortPages, base.ShortPages)
	pick(&s.EmptyLastToken, base.EmptyLastToken)
	pick(&s.TotalCount, base.TotalCount, "rows")
	pick(&s.ListOrder, base.ListOrder, "joined")
	pick(&s.FixedDuration, base.FixedDuration)
	pick(&s.CallsPerSecond, base.CallsPerSecond)
	pick(&s.MonthlyCalls, base.MonthlyCalls)
	s.Push = s.Push.over(base.Push, s.AppKey)
	s.Stream = s.Stream.over(base.Stream)
	s.Robots = robotsOver(s.Robots, base.Robots)
	return s
}

// pick sets an unset *v to the first candidate that is set.
func pick[T comparable](v *T, candidates ...T) {
	var zero T
	for _, c := range candidates {
		if *v != zero {
			return
		}
		*v = c
	}
}
