package config_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
)

// grammar has a command of every shape the program has.
type grammar struct {
	Serve   serveCommand   `cmd:"" help:"Run the service."`
	Demo    demoCommand    `cmd:"" help:"Show everything on this machine: a simulated DingTalk, NATS, the service, the web page, live events."`
	Tail    tailCommand    `cmd:"" help:"Print live events."`
	Bot     botCommand     `cmd:"" help:"Tell group robots."`
	Verify  verifyCommand  `cmd:"" help:"Fold a meeting's stored events and compare the roster with the API."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

type serveCommand struct {
	config.Settings
	recorder
}

func (c *serveCommand) Run(_ context.Context, invocation *config.Invocation) error {
	c.settings, c.invocation = c.Settings, invocation
	return c.DingTalk.RequireLogin()
}

type demoCommand struct {
	config.Demo
	recorder
	For     time.Duration `placeholder:"TIME" help:"End after this time; 0 = run until interrupted."`
	DataDir string        `placeholder:"DIR" help:"Keep the data here."`
	Speed   float64       `placeholder:"N" default:"1" help:"Times faster than life."`
}

func (c *demoCommand) Run(_ context.Context, invocation *config.Invocation) error {
	c.demo, c.invocation = *c, invocation
	return nil
}

type tailCommand struct {
	config.Client
	recorder
	JSON    bool   `help:"Print events as JSON lines."`
	Meeting string `placeholder:"ID" help:"Only this meeting."`
}

func (c *tailCommand) Run(_ context.Context, invocation *config.Invocation) error {
	c.tail, c.invocation = *c, invocation
	return nil
}

type botCommand struct {
	config.Client
	Bot config.Bot `embed:"" group:"Bot"`
	recorder
}

func (c *botCommand) Run(_ context.Context, invocation *config.Invocation) error {
	c.bot, c.invocation = c.Bot, invocation
	return nil
}

type verifyCommand struct {
	config.Client
	Meeting string `arg:"" help:"The meeting's conferenceId."`
}

func (c *verifyCommand) Run(context.Context, *config.Invocation) error {
	return &config.ExitError{Code: 3}
}

type versionCommand struct{}

func (versionCommand) Run(_ context.Context, invocation *config.Invocation) error {
	_, err := invocation.Stdout.Write([]byte("1.0\n"))
	return err
}

// recorder is the part of a command that tells the test what it saw. Kong leaves unexported fields
// alone.
type recorder struct{ *record }

// record is what a command saw when it ran.
type record struct {
	settings   config.Settings
	demo       demoCommand
	tail       tailCommand
	bot        config.Bot
	invocation *config.Invocation
}

// outcome is what a call of the program did.
type outcome struct {
	record
	code           int
	stdout, stderr string
}

// base is the least environment that serve runs with.
var base = []string{"ROLLCALL_DINGTALK_APP_KEY=key", "ROLLCALL_DINGTALK_APP_SECRET=s3cret"}

// with adds variables to base.
func with(variables ...string) []string { return append(slices.Clone(base), variables...) }

// file writes a file for the test and returns its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// value returns a setting as it is in force.
func value(t *testing.T, got outcome, name string) config.Setting {
	t.Helper()
	require.Equal(t, config.ExitDone, got.code, got.stderr)
	for _, setting := range got.invocation.Settings {
		if setting.Name == name {
			return setting
		}
	}
	require.Fail(t, "no such setting", name)
	return config.Setting{}
}

// call runs the program as the process would, with nothing of the real environment.
func call(t *testing.T, environ []string, args ...string) outcome {
	t.Helper()
	var seen record
	var stdout, stderr bytes.Buffer
	g := &grammar{
		Serve: serveCommand{recorder: recorder{&seen}},
		Demo:  demoCommand{recorder: recorder{&seen}},
		Tail:  tailCommand{recorder: recorder{&seen}},
		Bot:   botCommand{recorder: recorder{&seen}},
	}
	code := config.Program{
		Name: "rollcall", Description: "Who is in the meeting, as it happens.",
		Args: args, Environ: environ, Stdout: &stdout, Stderr: &stderr,
	}.Run(t.Context(), g)
	return outcome{seen, code, stdout.String(), stderr.String()}
}

// refused asserts that the call ends with status 2 and one line on stderr that holds every one of
// the texts.
func refused(t *testing.T, got outcome, texts ...string) {
	t.Helper()
	require.Equal(t, config.ExitUsage, got.code, got.stderr)
	require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
	require.True(t, strings.HasPrefix(got.stderr, "rollcall: "), got.stderr)
	for _, text := range texts {
		require.Contains(t, got.stderr, text)
	}
	require.Empty(t, got.stdout)
}
