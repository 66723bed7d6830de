package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// script is a script of testdata/node that is to be run. Without Node.js, or what npm ci installs
// there, the test is skipped.
func script(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node.js is not installed")
	}
	if _, err := os.Stat("testdata/node/node_modules"); err != nil {
		t.Skip("the packages are not installed: npm ci --ignore-scripts in internal/testing/sdktest/testdata/node")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, node, append([]string{filepath.Join("testdata/node", name)}, args...)...)
}

// output runs a command and returns what it says, which has to be success.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	require.NoError(t, cmd.Run(), "%s%s", &complaints, &out)
	return out.String()
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// AsyncAPI's own parser reads the description of the events, and its generator makes a model of
// each kind with data of its own.
func TestAsyncAPI(t *testing.T) {
	description := file(t, "asyncapi.yaml", []byte(runProduct(t).get("/asyncapi.yaml")))
	var models map[string][]string
	require.NoError(t, json.Unmarshal([]byte(output(t, script(t, "asyncapi.mjs", description))), &models))
	for name, properties := range map[string][]string{
		"MemberEvent": {"subject", "sequence", "data"}, "MeetingEvent": {"data"}, "GapEvent": {"data"},
		"Member":  {"userNick", "joinTime", "reason", "visit"},
		"Meeting": {"title", "startTime", "personMinutes"},
		"Gap":     {"to", "reason"},
	} {
		require.Contains(t, models, name)
		assert.Subset(t, models[name], properties, name)
	}
}

// Events as they are really stored follow their schema as ajv and TypeScript understand it.
func TestSchema(t *testing.T) {
	p := runProduct(t)
	p.do("bob", "join")
	p.do("bob", "leave")
	p.do("bob", "join")
	p.do("bob", "kick")
	p.do("", "end")
	lines := p.events(events.MeetingEnded)
	schema := file(t, "v1.json", events.Schema)
	stored := file(t, "events.jsonl", []byte(strings.Join(lines, "\n")+"\n"))
	assert.JSONEq(t, jsonOf(t, len(lines)), output(t, script(t, "schema.mjs", schema, stored, t.TempDir())))
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// A TypeScript client that is generated from the description compiles, and calls the running
// product.
func TestTypeScriptClient(t *testing.T) {
	output(t, script(t, "client.mjs", runProduct(t).base, t.TempDir()))
}
