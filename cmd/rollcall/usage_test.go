package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call runs the program within the test.
func call(t *testing.T, environ []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, environ, &out, &errs)
	return status, out.String(), errs.String()
}

// What is wrong is said in one line on stderr that names the setting, and nothing is done.
func TestWrongUsage(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	login := []string{"ROLLCALL_DINGTALK_APP_KEY=key", "ROLLCALL_DINGTALK_APP_SECRET=s3cret"}
	for name, c := range map[string]struct {
		environ []string
		args    []string
		status  int
		says    []string
	}{
		"unknown command":           {nil, []string{"sevre"}, 2, []string{"unknown command", "sevre"}},
		"unknown flag":              {nil, []string{"serve", "--colour=red"}, 2, []string{"--colour"}},
		"serve without credentials": {nil, []string{"serve"}, 2, []string{"--dingtalk-app-key", "ROLLCALL_DINGTALK_APP_KEY", "is required"}},
		"serve without the secret":  {login[:1], []string{"serve"}, 2, []string{"ROLLCALL_DINGTALK_APP_SECRET", "is required"}},
		"serve with a bad URL":      {append(login, "ROLLCALL_DINGTALK_URL=ftp://x"), []string{"serve"}, 2, []string{"ROLLCALL_DINGTALK_URL"}},
		"serve with a bad proxy":    {append(login, "HTTPS_PROXY=http://user:s3cret@[::1"), []string{"serve"}, 2, []string{"HTTPS_PROXY"}},
		"verify with a bad proxy":   {append(login, "https_proxy=http://user:s3cret@proxy:port"), []string{"verify", "m"}, 2, []string{"https_proxy"}},
		"doctor with a bad proxy":   {append(login, "HTTP_PROXY=://s3cret"), []string{"doctor"}, 2, []string{"HTTP_PROXY"}},
		"bot with a bad proxy":      {[]string{"http_proxy=ftp://s3cret"}, []string{"bot", "--bot-rules=/nowhere"}, 2, []string{"http_proxy"}},
		"serve with a bad interval": {login, []string{"serve", "--poll-min-interval=soon"}, 2, []string{"--poll-min-interval"}},
		"serve with a bad file":     {login, []string{"serve", "--config", write("bad.yaml", "polling: fast\n")}, 2, []string{"bad.yaml:1", "polling"}},
		"serve without creds file":  {login, []string{"serve", "--listen=127.0.0.1:0", "--nats-url=nats://127.0.0.1:1", "--nats-creds=/nowhere"}, 2, []string{"--nats-creds", "/nowhere"}},
		"demo for less than none":   {nil, []string{"demo", "--for=-1s"}, 2, []string{"--for"}},
		"demo backwards":            {nil, []string{"demo", "--speed=-1"}, 2, []string{"speed -1"}},
		"demo for others":           {nil, []string{"demo", "--embedded-listen=0.0.0.0:4222"}, 2, []string{"--embedded-listen"}},
		"tail of a bad meeting":     {nil, []string{"tail", "--meeting=a.b"}, 2, []string{"--meeting", "1 to 128"}},
		"tail of no server":         {nil, []string{"tail", "--nats-url=nats://u:s3cret@127.0.0.1:1"}, 1, []string{"cannot connect to NATS at nats://", "127.0.0.1:1: "}},
		"tail of the usual server":  {[]string{"ROLLCALL_EMBEDDED_LISTEN=127.0.0.1:1"}, []string{"tail"}, 1, []string{"cannot connect to NATS at nats://127.0.0.1:1 (the default; --nats-url or ROLLCALL_NATS_URL names another)"}},
		"tail from nowhen":          {nil, []string{"tail", "--from=soon"}, 2, []string{"--from", "90m", "soon", "start"}},
		"replay of a bad meeting":   {nil, []string{"replay", "--meeting=a.b"}, 2, []string{"--meeting", "1 to 128"}},
		"replay since nowhen":       {nil, []string{"replay", "--since=soon"}, 2, []string{"--since", "soon"}},
		"replay backwards":          {nil, []string{"replay", "--since=09:00", "--until=08:00"}, 2, []string{"--until", "08:00"}},
		"replay of no such type":    {nil, []string{"replay", "--type=gone"}, 2, []string{"--type", "gone", "kicked"}},
		"replay after less than 0":  {nil, []string{"replay", "--after=-1"}, 2, []string{"--after", "negative"}},
		"replay of no server":       {nil, []string{"replay", "--nats-url=nats://127.0.0.1:1"}, 1, []string{"cannot connect to NATS"}},
		"report without a meeting":  {nil, []string{"report"}, 2, []string{"<meeting>"}},
		"report of a bad meeting":   {nil, []string{"report", "a.b"}, 2, []string{"a.b", "1 to 128"}},
		"report in no such format":  {nil, []string{"report", "a", "--format=pdf"}, 2, []string{"--format", "pdf", "svg"}},
		"report in no such zone":    {nil, []string{"report", "a", "--zone=Moon/Sea"}, 2, []string{"--zone", "Moon/Sea"}},
		"report of no server":       {nil, []string{"report", "a", "--nats-url=nats://127.0.0.1:1"}, 1, []string{"cannot connect to NATS"}},
		"verify without a login":    {nil, []string{"verify", "a"}, 2, []string{"--dingtalk-app-key", "is required"}},
		"verify a bad meeting":      {login, []string{"verify", "a b"}, 2, []string{"a b", "1 to 128"}},
		"verify without a server":   {login, []string{"verify", "a", "--nats-url=nats://127.0.0.1:1"}, 1, []string{"cannot connect to NATS"}},
		"verify without the key":    {login, []string{"verify", "a", "--privacy=pseudonym"}, 2, []string{"--privacy-key", "is required"}},
		"simulate without the file": {nil, []string{"simulate", "--scenario=/nowhere"}, 2, []string{"--scenario:", "/nowhere"}},
		"simulate a bad file":       {nil, []string{"simulate", "--scenario", write("bad-scenario.yaml", "meetings: [{id: a, colour: red}]\n")}, 2, []string{"--scenario:", "bad-scenario.yaml", "colour"}},
		"simulate too fast":         {nil, []string{"simulate", "--speed=1e9"}, 2, []string{"speed 1e+09"}},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := call(t, c.environ, c.args...)
			assert.Equal(t, c.status, status)
			assert.Empty(t, stdout)
			for _, text := range c.says {
				assert.Contains(t, stderr, text)
			}
			assert.True(t, strings.HasPrefix(stderr, "rollcall: "), stderr)
			assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			assert.NotContains(t, stderr, "s3cret")
			assert.NotContains(t, stderr, "ROLLCALL_SCENARIO", "what is no setting is not called one")
		})
	}
}

func TestHelp(t *testing.T) {
	status, stdout, stderr := call(t, nil)
	assert.Equal(t, 2, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "Usage: rollcall")

	status, all, _ := call(t, nil, "--help")
	assert.Equal(t, 0, status)
	assert.Contains(t, all, "Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 verify: different.")
	for command, wants := range map[string][]string{
		"serve":    {"--dingtalk-app-key", "ROLLCALL_POLL_MIN_INTERVAL", "default 1s", "--data-dir"},
		"demo":     {"--for", "--data-dir", "--listen"},
		"simulate": {"--scenario", "--truth", "--speed"},
		"tail":     {"--json", "--meeting", "--from", "--nats-url"},
		"report":   {"<meeting>", "--format", "--zone", "--nats-url"},
		"verify":   {"<meeting>", "--patience", "--dingtalk-url", "--privacy-key"},
		"replay":   {"--since", "--until", "--meeting", "--person", "--type", "--after", "--position"},
		"version":  {"Print the version."},
	} {
		t.Run(command, func(t *testing.T) {
			assert.Contains(t, all, "\n  "+command)
			status, stdout, stderr := call(t, nil, command, "--help")
			assert.Equal(t, 0, status)
			assert.Empty(t, stderr)
			for _, want := range wants {
				assert.Contains(t, stdout, want)
			}
			for line := range strings.Lines(stdout) {
				assert.LessOrEqual(t, len([]rune(line)), 111, line)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	status, stdout, stderr := call(t, nil, "version")
	assert.Equal(t, 0, status)
	assert.Regexp(t, `^rollcall \S+\n$`, stdout)
	assert.Empty(t, stderr)
}

func TestTruth(t *testing.T) {
	status, stdout, _ := call(t, nil, "simulate", "--truth=60s")
	assert.Equal(t, 0, status)
	for _, want := range []string{"standup", "Jonas Becker", "kicked", "lounge"} {
		assert.Contains(t, stdout, want)
	}
	status, early, _ := call(t, nil, "simulate", "--truth=2s")
	assert.Equal(t, 0, status)
	assert.Contains(t, early, "Jonas Becker")
	assert.NotContains(t, early, "kicked")
}

// A command that is told to stop before it got anywhere has done what it was told.
func TestStoppedBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"serve", "--dingtalk-access-token=x", "--listen=127.0.0.1:0", "--embedded-listen=127.0.0.1:0", "--data-dir=" + dir},
		{"serve", "--dingtalk-access-token=x", "--listen=127.0.0.1:0", "--nats-url=nats://127.0.0.1:1"},
		{"demo", "--listen=127.0.0.1:0", "--embedded-listen=127.0.0.1:0"},
		{"simulate", "--listen=127.0.0.1:0"},
		{"tail", "--nats-url=nats://127.0.0.1:1"},
		{"replay", "--nats-url=nats://127.0.0.1:1"},
		{"report", "a", "--nats-url=nats://127.0.0.1:1"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 0, run(ctx, args, nil, &stdout, &stderr), "%v: %s", args, &stderr)
	}
}

func TestVariablesWithoutEffectAreSaid(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, 0, run(ctx, []string{
		"serve", "--dingtalk-app-key=k", "--dingtalk-app-secret=s3cret", "--listen=127.0.0.1:0", "--nats-url=nats://127.0.0.1:1",
		"--stream-mode",
	}, []string{"ROLLCALL_OF_SOMEBODY_ELSE=1"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "ROLLCALL_OF_SOMEBODY_ELSE")
	assert.NotContains(t, stderr.String(), "stream-mode")
	assert.NotContains(t, stderr.String(), "s3cret")
}
