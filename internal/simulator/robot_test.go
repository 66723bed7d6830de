package simulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// tellRobot sends a message to the default robot, signed by a clock.
func tellRobot(r *remote, clock *fakeClock, uuid, text string) (result, error) {
	return r.try(http.MethodPost, robotQuery(DefaultRobotToken, DefaultRobotSecret, clock.ms.Load()), robotBody("markdown", uuid, text))
}

func robotQuery(token, secret string, timestamp int64) string {
	return robotPath + "?" + url.Values{
		"access_token": {token}, "timestamp": {fmt.Sprint(timestamp)}, "sign": {robotSign(secret, timestamp)},
	}.Encode()
}

func robotBody(kind, uuid, text string) []byte {
	return fmt.Appendf(nil, `{"msgtype":%q,"markdown":{"title":"t","text":%q},"msgUuid":%q}`, kind, text, uuid)
}

// answers requires an errcode.
func answers(t *testing.T, res result, code string) {
	t.Helper()
	require.Equal(t, http.StatusOK, res.status)
	require.True(t, strings.HasPrefix(string(res.body), `{"errcode":`+code+`,`), "%s", res.body)
}

func said(s *Simulator) []string {
	out := []string{}
	for _, m := range s.Robots()[0].Said {
		out = append(out, m.Text)
	}
	return out
}

// The vector is the platform's.
func TestRobotSignature(t *testing.T) {
	assert.Equal(t, "sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0=", robotSign("this is secret", 1_700_000_000_000))
}

func TestRobotRefusesWhatIsWrong(t *testing.T) {
	s, clock := play(t, "settings: {robots: [{}, {token: b, secret: c, textCodes: true}]}")
	r, now := serve(t, s), clock.ms.Load()
	good := robotQuery(DefaultRobotToken, DefaultRobotSecret, now)
	hour := time.Hour.Milliseconds()
	for name, c := range map[string]struct {
		path string
		body []byte
		code string
	}{
		"good":              {good, robotBody("markdown", "1", "a"), "0"},
		"hour old":          {robotQuery(DefaultRobotToken, DefaultRobotSecret, now-hour), robotBody("markdown", "2", "a"), "0"},
		"older":             {robotQuery(DefaultRobotToken, DefaultRobotSecret, now-hour-1), robotBody("markdown", "3", "a"), "310000"},
		"from the future":   {robotQuery(DefaultRobotToken, DefaultRobotSecret, now+hour+1), robotBody("markdown", "3", "a"), "310000"},
		"wrong secret":      {robotQuery(DefaultRobotToken, "x", now), robotBody("markdown", "3", "a"), "310000"},
		"unsigned":          {robotPath + "?access_token=" + DefaultRobotToken, robotBody("markdown", "3", "a"), "310000"},
		"wrong token":       {robotQuery("x", DefaultRobotSecret, now), robotBody("markdown", "3", "a"), "400101"},
		"no token":          {robotPath, robotBody("markdown", "3", "a"), "400101"},
		"no JSON":           {good, []byte("{"), "40035"},
		"no text":           {good, robotBody("markdown", "3", ""), "40035"},
		"unknown type":      {good, robotBody("song", "3", "a"), "400105"},
		"too long":          {good, robotBody("markdown", "3", strings.Repeat("a", maxMarkdown)), "460101"},
		"errcode as text":   {robotQuery("b", "c", now), robotBody("markdown", "3", "a"), `"0"`},
		"refused, the same": {robotQuery("b", "d", now), robotBody("markdown", "3", "a"), `"310000"`},
	} {
		t.Run(name, func(t *testing.T) { answers(t, r.do(http.MethodPost, c.path, c.body), c.code) })
	}
	assert.Len(t, said(s), 2)
	assert.Equal(t, http.StatusBadRequest, r.get(good).status)
}

func TestRobotSaysAMessageOnce(t *testing.T) {
	s, clock := play(t, "{}")
	r := serve(t, s)
	for _, uuid := range []string{"a", "b", "a", "", ""} {
		res, err := tellRobot(r, clock, uuid, "said as "+uuid)
		require.NoError(t, err)
		answers(t, res, "0")
	}
	assert.Equal(t, []string{"said as a", "said as b", "said as ", "said as "}, said(s))
	assert.Equal(t, 1, s.Robots()[0].Repeated)
}

func TestRobotBlocksWhoeverSendsTooMuch(t *testing.T) {
	s, clock := play(t, "settings: {robots: [{perMinute: 3, block: 5m}]}")
	r := serve(t, s)
	step := func(at time.Duration, code string) {
		t.Helper()
		clock.at(at)
		res, err := tellRobot(r, clock, at.String(), at.String())
		require.NoError(t, err)
		answers(t, res, code)
	}
	step(0, "0")
	step(30*time.Second, "0")
	step(59*time.Second, "0")
	step(60*time.Second, "0")      // the first is a minute ago
	step(89*time.Second, "410100") // four in a minute
	step(5*time.Minute, "410100")
	step(89*time.Second+5*time.Minute-time.Millisecond, "410100")
	step(89*time.Second+5*time.Minute, "0")
	state := s.Robots()[0]
	assert.Equal(t, 8, state.Calls)
	assert.Equal(t, 3, state.Throttled)
	assert.Equal(t, 4, state.MaxPerMinute)
	assert.Len(t, state.Said, 5)
}

func TestRobotFaults(t *testing.T) {
	for kind, c := range map[fault.Kind]struct {
		code string
		said int
	}{
		fault.RobotBusy:      {"-1", 0},
		fault.RobotRefused:   {"310000", 0},
		fault.RobotBadToken:  {"400101", 0},
		fault.RobotContent:   {"430104", 0},
		fault.RobotThrottled: {"410100", 0},
		fault.RobotHTML:      {"html", 0},
		fault.RobotReset:     {"cut", 0},
		fault.RobotLost:      {"cut", 1},
	} {
		t.Run(string(kind), func(t *testing.T) {
			s, clock := play(t, "{}")
			r := serve(t, s)
			_, err := s.AddFaults(fault.Fault{Kind: kind, Next: 1, Calls: []fault.Class{fault.ClassRobot}})
			require.NoError(t, err)
			res, err := tellRobot(r, clock, "1", "a")
			switch c.code {
			case "cut":
				require.Error(t, err)
			case "html":
				require.NoError(t, err)
				assert.Equal(t, http.StatusBadGateway, res.status)
			default:
				require.NoError(t, err)
				answers(t, res, c.code)
			}
			assert.Len(t, said(s), c.said)
			clock.at(DefaultBlock)
			res, err = tellRobot(r, clock, "1", "a")
			require.NoError(t, err)
			answers(t, res, "0")
			assert.Len(t, said(s), 1)
		})
	}
}

func TestRobotForgetsWhatIsLongAgo(t *testing.T) {
	r := newRobots(robotsOver(nil, nil))[0]
	for i := range maxSaid + 5 {
		r.say(RobotMessage{UUID: fmt.Sprint(i)})
	}
	assert.Len(t, r.state.Said, maxSaid)
	assert.Len(t, r.known, maxSaid)
	assert.Equal(t, "5", r.state.Said[0].UUID)
}

func TestRobotsOfAScenario(t *testing.T) {
	for text, says := range map[string]string{
		"settings: {robots: [{}, {}]}":                "settings.robots[1].token is there twice",
		"settings: {robots: [{perMinute: -1}]}":       "settings.robots[0].perMinute",
		"settings: {robots: [{block: -1s}]}":          "settings.robots[0].block",
		"settings: {robots: [{colour: red}]}":         "colour",
		"faults: [{kind: robot-busy, calls: [info]}]": "does not happen to calls of class",
		"faults: [{kind: busy, calls: [robot]}]":      "does not happen to calls of class",
	} {
		_, err := ParseScenario([]byte(text))
		require.ErrorIs(t, err, history.ErrScenario)
		assert.ErrorContains(t, err, says)
	}
}

func TestRobotsOverTheControlAPI(t *testing.T) {
	s, clock := play(t, "{}")
	r := serve(t, s)
	_, err := tellRobot(r, clock, "1", "Ann joined")
	require.NoError(t, err)
	var robots []RobotState
	r.get("/_sim/robots").into(&robots)
	require.Len(t, robots, 1)
	assert.Equal(t, []RobotMessage{{At: epoch, UUID: "1", Title: "t", Text: "Ann joined"}}, robots[0].Said)
	assert.Equal(t, DefaultRobotToken, robots[0].Token)
}
