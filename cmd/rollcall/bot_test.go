package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
)

// robot writes rules about the simulated robot and returns their file.
func (in *installation) robot() string {
	in.t.Helper()
	path := filepath.Join(in.tmp, "rules.yaml")
	require.NoError(in.t, os.WriteFile(path, []byte(`
batch: 10ms
robots: {office: {url: "http://`+in.api+`", token: simulated-robot-token, secret_env: OFFICE_SECRET}}
rules: [{robots: [office], meetings: {titles: [desk]}}]
`), 0o600))
	in.env = append(in.env, "OFFICE_SECRET=SECsimulatedrobotsecret")
	return path
}

// hears waits until the robot has said a number of messages and returns their titles.
func (in *installation) hears(messages int) []string {
	in.t.Helper()
	var titles []string
	require.Eventually(in.t, func() bool {
		resp, err := http.Get("http://" + in.api + "/_sim/robots")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		defer http.DefaultClient.CloseIdleConnections()
		var robots []simulator.RobotState
		if err := json.NewDecoder(resp.Body).Decode(&robots); err != nil {
			return false
		}
		titles = nil
		for _, m := range robots[0].Said {
			titles = append(titles, m.Title)
		}
		return len(titles) >= messages
	}, 3*patience, 20*time.Millisecond)
	return titles
}

// looked waits until the service has looked at the meeting: who joins from then on was not there
// before.
func (in *installation) looked() {
	in.t.Helper()
	require.Eventually(in.t, func() bool {
		resp, err := http.Get("http://" + in.http + "/v1/meetings/desk")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		defer http.DefaultClient.CloseIdleConnections()
		roster, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(roster), "Ann")
	}, patience, 20*time.Millisecond)
}

// returns makes bob leave and come back after a time that makes it another visit.
func (in *installation) returns() {
	in.t.Helper()
	in.does("leave", "bob")
	left := time.Now()
	require.Eventually(in.t, func() bool { return time.Since(left) > 3*time.Second }, patience, 50*time.Millisecond)
	in.does("join", "bob")
}

// The bot tells every join once, though it is killed in between, and stops cleanly.
func TestBotThatIsKilled(t *testing.T) {
	t.Parallel()
	in := install(t)
	rules := in.robot()
	in.serve()
	in.looked()
	first := in.run("bot", "--rules", rules)
	first.logs(`"msg":"telling the robot"`)
	in.does("join", "bob")
	const bob = "Desk: Bob\ufffd［2J\ufffd"
	assert.Equal(t, []string{bob + " joined"}, in.hears(1))

	require.NoError(t, first.cmd.Process.Kill())
	<-first.exited
	in.returns()
	second := in.run("bot", "--rules", rules)
	assert.Equal(t, []string{bob + " joined", bob + " joined again"}, in.hears(2))
	second.stop(syscall.SIGTERM)

	in.returns()
	third := in.run("bot", "--rules", rules)
	assert.Equal(t, []string{bob + " joined", bob + " joined again", bob + " joined again"}, in.hears(3))
	third.stop(syscall.SIGINT)
	for _, p := range []*process{first, second, third} {
		assert.Empty(t, p.stdout.String())
		for line := range strings.Lines(p.stderr.String()) {
			assert.True(t, json.Valid([]byte(line)), line)
		}
		for _, secret := range []string{"simulated-robot-token", "SECsimulatedrobotsecret", "Bob"} {
			assert.NotContains(t, p.stderr.String(), secret)
		}
	}
}
