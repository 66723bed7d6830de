package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

var update = flag.Bool("update", false, "write what the commands print now into testdata/script")

const scripts = "testdata/script"

// TestScripts shows what the command line says and with which status it ends, by one script for
// each matter. Scripts know the commands of package testscript and those of scriptCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: scripts, UpdateScripts: *update, RequireUniqueNames: true, Cmds: scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "UTC")
			env.Setenv("NOBODY", "nats://127.0.0.1:1") // where no server answers
			env.Values[testKey{}] = env.T()
			return nil
		},
	})
}

type testKey struct{}

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// exits STATUS COMMAND… runs a command that has to end with this status.
	"exits": func(ts *testscript.TestScript, _ bool, args []string) {
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		got := 0
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			var ended *exec.ExitError
			if !errors.As(err, &ended) {
				ts.Fatalf("%v", err)
			}
			got = ended.ExitCode()
		}
		if got != want {
			ts.Fatalf("exit status %d, not %d", got, want)
		}
	},
	// complains TEXT… requires that the last command printed nothing but one line on stderr, with
	// all of these texts and without the secret of the scripts, s3cret.
	"complains": func(ts *testscript.TestScript, _ bool, args []string) {
		line := ts.ReadFile("stderr")
		if out := ts.ReadFile("stdout"); out != "" {
			ts.Fatalf("stdout: %s", out)
		}
		if !strings.HasPrefix(line, "rollcall: ") || strings.Count(line, "\n") != 1 || strings.Contains(line, "s3cret") {
			ts.Fatalf("not one line of the program, or a secret: %q", line)
		}
		for _, text := range args {
			if !strings.Contains(line, text) {
				ts.Fatalf("no %q in: %s", text, line)
			}
		}
	},
	// recorded [over] starts a NATS server with the events of the meetings a and b, which go on,
	// and of one that is over. Every command then uses it.
	"recorded": func(ts *testscript.TestScript, _ bool, args []string) {
		server, _ := recorded(ts.Value(testKey{}).(testing.TB))
		if slices.Equal(args, []string{"over"}) {
			r, kicked := server.Record(), row("bob", 5, 20)
			kicked.Status = diff.StatusKicked
			r.Watch("over", streamtest.Begin, diff.Description{Title: "Weekly"})
			r.Look("over", streamtest.Begin+10_000, row("ann", 5, 0), row("bob", 5, 0))
			r.End("over", streamtest.Begin+60_000, row("ann", 5, 30), kicked, row("cho", 31, 60))
		}
		ts.Setenv("ROLLCALL_NATS_URL", server.URL())
	},
	// tells 'MEETING PERSON VERB'… requires that the last command printed these events, as JSON
	// lines, and said on stderr how many.
	"tells": func(ts *testscript.TestScript, _ bool, args []string) {
		t := ts.Value(testKey{}).(testing.TB)
		assert.Equal(t, args, told(t, ts.ReadFile("stdout")), "standard output")
		assert.Contains(t, ts.ReadFile("stderr"), fmt.Sprintf("rollcall: %d events, ", len(args)))
		if t.Failed() {
			ts.Fatalf("it tells something else")
		}
	},
	// simulated FILE runs a simulated DingTalk that plays the scenario, which every command then
	// asks.
	"simulated": func(ts *testscript.TestScript, _ bool, args []string) {
		t := ts.Value(testKey{}).(testing.TB)
		p := launch(t, nil, environment(t.TempDir()), "simulate", "--listen=127.0.0.1:0", "--scenario="+ts.MkAbs(args[0]))
		p.says("rollcall serve")
		ts.Setenv("ROLLCALL_DINGTALK_URL", "http://"+between(t, p.stdout.String(), "simulated at http://", ","))
		ts.Setenv("ROLLCALL_DINGTALK_APP_KEY", "dingsimulatedapp")
		ts.Setenv("ROLLCALL_DINGTALK_APP_SECRET", "simulated-app-secret")
	},
}

// Each command has a script that holds its help, line by line.
func TestEveryHelpHasAScript(t *testing.T) {
	status, all, _ := call(t, nil, "--help")
	require.Equal(t, 0, status)
	_, list, found := strings.Cut(all, "\nCommands:\n")
	require.True(t, found, all)
	commands := 0
	for line := range strings.Lines(list) {
		if name := strings.Fields(line); len(name) > 0 && strings.HasPrefix(line, "  "+name[0]) {
			commands++
			script, err := os.ReadFile(filepath.Join(scripts, "help_"+name[0]+".txtar"))
			if assert.NoError(t, err) {
				assert.Contains(t, string(script), "\nrollcall "+name[0]+" --help\ncmp stdout help\n")
			}
		}
	}
	assert.GreaterOrEqual(t, commands, 10)
}
