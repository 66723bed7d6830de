package config_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/plaintext/plaintexttest"
	"github.com/c4342123/rollcall/internal/config"
)

func TestHelp(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--help"},
		{"serve", "-h"},
		{"--help", "serve"},
		{"help", "serve"},
		{"serve", "--no-such-flag", "--help"},
		{"--config", "/nowhere", "serve", "--help"},
		{"serve", "--retention=x", "--help"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			got := call(t, []string{"ROLLCALL_CONFIG=/nowhere", "ROLLCALL_RETENTION=x"}, args...)
			assert.Equal(t, config.ExitDone, got.code)
			assert.Contains(t, got.stdout, "Usage: rollcall serve [flags]")
			assert.Empty(t, got.stderr)
			assert.Nil(t, got.invocation, "the command has run")
		})
	}
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"nonsense", "--help"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			got := call(t, nil, args...)
			assert.Equal(t, config.ExitDone, got.code)
			assert.Contains(t, got.stdout, "Usage: rollcall <command> [flags]")
			for _, command := range []string{"serve", "demo", "tail", "verify", "version"} {
				assert.Contains(t, got.stdout, "\n  "+command+" ")
			}
			assert.Empty(t, got.stderr)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		got := call(t, nil)
		assert.Equal(t, config.ExitUsage, got.code)
		assert.Empty(t, got.stdout)
		assert.Contains(t, got.stderr, "Usage: rollcall <command> [flags]")
	})
	t.Run("after --", func(t *testing.T) {
		got := call(t, nil, "verify", "--", "--help")
		assert.Equal(t, 3, got.code)
		assert.Empty(t, got.stderr, "an exit without words")
	})
}

// TestHelpNamesEverything holds the help to naming every setting in each of its ways, under its
// heading.
func TestHelpNamesEverything(t *testing.T) {
	got := call(t, base, "serve", "--help")
	words := strings.Join(strings.Fields(got.stdout), " ") // undo the wrapping
	for _, setting := range value0(t) {
		assert.Contains(t, words, "--"+setting.Name)
		note := "[" + config.EnvName(setting.Name)
		if isSecret(setting.Name) {
			note += " or ..._FILE]"
		}
		assert.Contains(t, words, note)
		assert.Contains(t, got.stdout, "\n"+setting.Group+"\n")
	}
	for _, note := range []string{"default 720h]", "default 127.0.0.1:8080]", "default 15]", "default https://api.dingtalk.com]"} {
		assert.Contains(t, words, note)
	}
	assert.NotContains(t, words, "s3cret")
	for line := range strings.SplitSeq(got.stdout, "\n") {
		assert.LessOrEqual(t, len(line), 80, line)
	}
}

func value0(t *testing.T) []config.Setting {
	t.Helper()
	return call(t, base, "serve").invocation.Settings
}

func TestWrongUsage(t *testing.T) {
	cases := map[string]struct {
		args []string
		says string
	}{
		"unknown command":      {[]string{"sevre"}, `unknown command sevre, did you mean "serve"?`},
		"far from any command": {[]string{"frobnicate"}, "unknown command frobnicate\n"},
		"help for nonsense":    {[]string{"help", "sevre"}, `did you mean "serve"?`},
		"unknown flag":         {[]string{"serve", "--lisen=:1"}, `unknown flag --lisen, did you mean "--listen"?`},
		"too many words":       {[]string{"serve", "now"}, "unexpected argument now"},
		"missing argument":     {[]string{"verify"}, "<meeting>"},
		"missing value":        {[]string{"serve", "--listen"}, "--listen: needs a value"},
		"only flags":           {[]string{"--config=x"}, "expected one of"},
		"malformed own flag":   {[]string{"demo", "--for=soon"}, `--for: "soon" is no duration`},
		"malformed own number": {[]string{"demo", "--speed=fast"}, `--speed: "fast" is no number`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { refused(t, call(t, base, c.args...), c.says) })
	}
}

// failing runs into the error it is given.
type failing struct {
	config.Client
	err error
}

func (f *failing) Run(context.Context, *config.Invocation) error { return f.err }

func TestExitStatus(t *testing.T) {
	cause := errors.New("first\nsecond")
	cases := map[string]struct {
		err    error
		code   int
		stderr string
	}{
		"done":                 {nil, 0, ""},
		"failed":               {cause, 1, "rollcall: first; second\n"},
		"usage":                {config.Usagef("", "no such meeting: %w", cause), 2, "rollcall: no such meeting: first; second\n"},
		"usage, wrapped":       {fmt.Errorf("x: %w", config.Usagef("", "y")), 2, "rollcall: x: y\n"},
		"a setting":            {config.Usagef("nats-url", "cannot be used"), 2, "rollcall: ROLLCALL_NATS_URL: cannot be used\n"},
		"own status":           {&config.ExitError{Code: 3, Err: cause}, 3, "rollcall: first; second\n"},
		"own status, wordless": {&config.ExitError{Code: 3}, 3, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			grammar := struct {
				Fail failing `cmd:""`
			}{failing{err: c.err}}
			code := config.Program{
				Name: "rollcall", Args: []string{"fail"}, Environ: []string{"ROLLCALL_NATS_URL=x"},
				Stdout: &bytes.Buffer{}, Stderr: &stderr,
			}.Run(t.Context(), &grammar)
			assert.Equal(t, c.code, code)
			assert.Equal(t, c.stderr, stderr.String())
		})
	}
	assert.ErrorIs(t, &config.ExitError{Code: 3, Err: cause}, cause)
	assert.ErrorIs(t, config.Usagef("", "%w", cause), cause)
	assert.EqualError(t, &config.ExitError{Code: 3}, "exit status 3")
}

func TestWrongGrammar(t *testing.T) {
	var stderr bytes.Buffer
	program := config.Program{Name: "rollcall", Args: []string{"x"}, Stdout: &bytes.Buffer{}, Stderr: &stderr}
	assert.Equal(t, config.ExitFailed, program.Run(t.Context(), struct{}{}))
	assert.Equal(t, config.ExitFailed, program.Run(t.Context(), &struct {
		X struct{} `cmd:""`
	}{}))
	assert.Contains(t, stderr.String(), "the command x has no method Run")
}

func TestInvocation(t *testing.T) {
	got := call(t, with("HOME=/first", "HOME=/home/ann", "EMPTY="), "serve", "--listen=:1")
	require.Equal(t, config.ExitDone, got.code, got.stderr)
	home, found := got.invocation.LookupEnv("HOME")
	assert.True(t, found)
	assert.Equal(t, "/home/ann", home)
	_, found = got.invocation.LookupEnv("EMPTY")
	assert.True(t, found)
	_, found = got.invocation.LookupEnv("HOM")
	assert.False(t, found)
	assert.Equal(t, "--listen", got.invocation.Origin("listen").String())
	assert.Equal(t, "default", got.invocation.Origin("no such setting").String())
}

// What is wrong is said with what was given, or what a server answered; a terminal only shows it.
func TestErrorsDoNothingToATerminal(t *testing.T) {
	got := call(t, base, "\x1b[2J\u202e\u009b")
	assert.Equal(t, config.ExitUsage, got.code)
	plaintexttest.AssertHarmless(t, strings.TrimSuffix(got.stderr, "\n"))
}
