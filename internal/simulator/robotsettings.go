package simulator

import (
	"fmt"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// RobotSettings are a custom group robot's. The zero value works.
type RobotSettings struct {
	// Token and Secret are the robot's access_token, and the secret of its additional signature;
	// DefaultRobotToken and DefaultRobotSecret when empty.
	Token  string `yaml:"token,omitempty"`
	Secret string `yaml:"secret,omitempty"`
	// PerMinute is how many messages the robot takes in any minute: 20 when 0. A sender of more is
	// blocked for Block: 10 minutes when 0. Both go by the simulator's clock.
	PerMinute int              `yaml:"perMinute,omitempty"`
	Block     history.Duration `yaml:"block,omitempty"`
	// TextCodes writes errcode as a string. Otherwise it is a number.
	TextCodes bool `yaml:"textCodes,omitempty"`
}

// What the platform documents of its robots,
// https://open.dingtalk.com/document/orgapp/custom-robot-access, and what the simulator's robot is
// called where the settings are silent.
const (
	DefaultRobotToken  = "simulated-robot-token"
	DefaultRobotSecret = "SECsimulatedrobotsecret"
	DefaultPerMinute   = 20
	DefaultBlock       = 10 * time.Minute
)

const (
	maxRobots    = 100
	maxPerMinute = 10_000
)

func validateRobots(robots []RobotSettings) error {
	if len(robots) > maxRobots {
		return fmt.Errorf("%w: more than %d settings.robots", history.ErrScenario, maxRobots)
	}
	known := map[string]bool{}
	for i, r := range robots {
		switch r = r.filled(); {
		case known[r.Token]:
			return fmt.Errorf("%w: settings.robots[%d].token is there twice", history.ErrScenario, i)
		case r.PerMinute < 0 || r.PerMinute > maxPerMinute:
			return fmt.Errorf("%w: settings.robots[%d].perMinute is not between 0 and %d", history.ErrScenario, i, maxPerMinute)
		case r.Block < 0:
			return fmt.Errorf("%w: settings.robots[%d].block is negative", history.ErrScenario, i)
		}
		known[r.Token] = true
	}
	return nil
}

// filled returns r with the defaults where it is silent.
func (r RobotSettings) filled() RobotSettings {
	pick(&r.Token, DefaultRobotToken)
	pick(&r.Secret, DefaultRobotSecret)
	pick(&r.PerMinute, DefaultPerMinute)
	pick(&r.Block, history.Duration(DefaultBlock))
	return r
}

// robotsOver returns the robots that there are, defaults filled in: at least one.
func robotsOver(robots, base []RobotSettings) []RobotSettings {
	if len(robots) == 0 {
		robots = base
	}
	if len(robots) == 0 {
		robots = make([]RobotSettings, 1)
	}
	out := make([]RobotSettings, len(robots))
	for i, r := range robots {
		out[i] = r.filled()
	}
	return out
}
