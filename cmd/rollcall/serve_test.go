package main

import (
	"bufio"
	"encoding/json"
	"fmt"
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

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// desk is a meeting in which nothing happens but what a test does.
const desk = `meetings: [{id: desk, title: Desk, people: [{id: ann, nick: Ann, visits: [{from: 0s}]}, {id: bob, nick: "Bob\e[2J\u202e"}]}]`

// installation is a simulated DingTalk, a service and how to reach them.
type installation struct {
	t               *testing.T
	tmp             string
	env             []string
	api, http, nats string
}

func install(t *testing.T) *installation {
	t.Helper()
	in := &installation{t: t, tmp: t.TempDir(), api: port.Free(t), http: port.Free(t), nats: port.Free(t)}
	scenario := filepath.Join(in.tmp, "desk.yaml")
	require.NoError(t, os.WriteFile(scenario, []byte(desk), 0o600))
	in.env = environment(in.tmp,
		"ROLLCALL_DINGTALK_URL=http://"+in.api, "ROLLCALL_DINGTALK_APP_KEY=dingsimulatedapp",
		"ROLLCALL_DINGTALK_APP_SECRET=simulated-app-secret", "ROLLCALL_DINGTALK_MONTHLY_CALLS=0", "ROLLCALL_LISTEN="+in.http, "ROLLCALL_EMBEDDED_LISTEN="+in.nats,
		"ROLLCALL_DATA_DIR="+filepath.Join(in.tmp, "data"), "ROLLCALL_POLL_MIN_INTERVAL=20ms", "ROLLCALL_POLL_MAX_INTERVAL=100ms",
		"ROLLCALL_DISCOVERY_INTERVAL=100ms", "ROLLCALL_DINGTALK_RATE=100")
	p := launch(t, nil, in.env, "simulate", "--listen="+in.api, "--scenario="+scenario)
	p.says("rollcall serve")
	return in
}

// run starts a command of the installation.
func (in *installation) run(args ...string) *process {
	in.t.Helper()
	return launch(in.t, nil, in.env, args...)
}

// serve starts the service and waits until it is ready.
func (in *installation) serve() *process {
	in.t.Helper()
	p := in.run("serve")
	p.logs(`"msg":"ready"`)
	return p
}

// does makes something happen in the meeting.
func (in *installation) does(verb, person string) {
	in.t.Helper()
	body := fmt.Sprintf(`{"do": %q, "person": %q}`, verb, person)
	resp, err := http.Post("http://"+in.api+"/_sim/meetings/desk/actions", "application/json", strings.NewReader(body))
	require.NoError(in.t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(in.t, err)
	require.NoError(in.t, resp.Body.Close())
	require.Equal(in.t, http.StatusOK, resp.StatusCode, "%s", text)
	http.DefaultClient.CloseIdleConnections()
}

func TestServeAndTail(t *testing.T) {
	t.Parallel()
	in := install(t)
	serve := in.serve()
	readable, raw, other := in.run("tail"), in.run("tail", "--json", "--meeting=desk"), in.run("tail", "--meeting=other")
	readable.says("who, and how it was noticed")
	other.says("who, and how it was noticed")
	// Only what comes after the beginning is shown, and nothing tells when raw has begun but an
	// event.
	want := 0
	require.Eventually(t, func() bool {
		in.does([]string{"join", "leave"}[want%2], "bob")
		want++
		return raw.stdout.String() != ""
	}, patience, 50*time.Millisecond)
	in.does("kick", "ann")
	readable.says("x kicked      desk                  Ann")
	raw.says(`"conference.member.kicked"`)
	assert.Contains(t, readable.stdout.String(), "Bob\ufffd[2J\ufffd")
	for _, p := range []*process{readable, raw, other} {
		p.stop(syscall.SIGTERM)
	}
	assert.Empty(t, readable.stderr.String())
	assert.Contains(t, other.stderr.String(), "There is no meeting other yet")
	assert.NotContains(t, raw.stderr.String(), "other")
	assert.Equal(t, 1, strings.Count(other.stdout.String(), "\n"), "nothing but the header")

	last := uint64(0)
	for line := range strings.Lines(raw.stdout.String()) {
		e, err := events.Decode([]byte(line))
		require.NoError(t, err)
		if e.Member == nil {
			continue // what becomes known of the meeting has no number
		}
		if last > 0 {
			assert.Equal(t, last+1, e.Sequence)
		}
		last = e.Sequence
	}
	assert.Greater(t, last, uint64(1))

	serve.stop(syscall.SIGINT)
	assert.Empty(t, serve.stdout.String(), "logs are no results")
	for line := range strings.Lines(serve.stderr.String()) {
		assert.True(t, json.Valid([]byte(line)), line)
	}
	assert.NotContains(t, serve.stderr.String(), "simulated-app-secret")
}

// tail sees every event once, though the service, and the NATS server in it, is killed and started
// again.
func TestTailOverKilledServers(t *testing.T) {
	t.Parallel()
	in := install(t)
	serve := in.serve()
	require.Eventually(t, func() bool { // Ann's joined is stored before tail begins
		resp, err := http.Get("http://" + in.http + "/v1/meetings/desk")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(body), `"activeCount":1`)
	}, patience, 10*time.Millisecond)
	http.DefaultClient.CloseIdleConnections()
	tail := in.run("tail")
	tail.says("who, and how it was noticed")
	for round := range 3 {
		require.NoError(t, serve.cmd.Process.Kill())
		<-serve.exited
		in.does([]string{"join", "leave"}[round%2], "bob")
		serve = in.serve()
		require.Eventually(t, func() bool { return strings.Count(tail.stdout.String(), "Bob") == round+1 }, patience, 5*time.Millisecond)
	}
	tail.stop(syscall.SIGINT)
	serve.stop(syscall.SIGTERM)
	assert.Equal(t, []string{"+ joined", "- left", "+ rejoined"}, whats(tail.stdout.String()))
}

// whats are the second columns of the lines about Bob.
func whats(out string) []string {
	var list []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, "Bob") {
			list = append(list, strings.TrimSpace(line[20:33]))
		}
	}
	return list
}

func TestTailWhoseReaderGoesAway(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.serve()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	tail := launch(t, writer, in.env, "tail")
	require.NoError(t, writer.Close())
	_, err = bufio.NewReader(reader).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	ended := func() bool {
		select {
		case <-tail.exited:
			return true
		default:
			return false
		}
	}
	verb := 0
	require.Eventually(t, func() bool {
		if ended() {
			return true
		}
		in.does([]string{"join", "leave"}[verb%2], "bob")
		verb++
		return false
	}, patience, 50*time.Millisecond)
	tail.ends(0, patience)
	assert.Empty(t, tail.stderr.String())
}

func TestTailWithoutAStream(t *testing.T) {
	t.Parallel()
	nats, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, nats.Close()) })
	p := launch(t, nil, environment(t.TempDir()), "tail", "--nats-url="+nats.ClientURL())
	p.ends(1, patience)
	assert.Equal(t, "rollcall: the NATS server has no stream CONFERENCE: has rollcall served there?\n", p.stderr.String())
	assert.Empty(t, p.stdout.String())
}

func TestASecondServeIsRefused(t *testing.T) {
	t.Parallel()
	in := install(t)
	first := in.serve()
	second := launch(t, nil, append(in.env, "ROLLCALL_LISTEN="+port.Free(t), "ROLLCALL_EMBEDDED_LISTEN="+port.Free(t)), "serve")
	second.ends(1, patience)
	last := lastLine(second.stderr.String())
	assert.Contains(t, last, "rollcall: ")
	assert.Contains(t, last, fmt.Sprintf("is in use: %s is held by the process %d", filepath.Join(in.tmp, "data"), first.cmd.Process.Pid))
	assert.Contains(t, last, "--data-dir")

	same := in.run("serve")
	same.ends(1, patience)
	assert.Contains(t, lastLine(same.stderr.String()), "--listen")
	first.stop(syscall.SIGTERM)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestSimulateOnATakenPort(t *testing.T) {
	t.Parallel()
	address := port.Free(t)
	take(t, address)
	p := launch(t, nil, environment(t.TempDir()), "simulate", "--listen="+address)
	p.ends(1, patience)
	assert.Contains(t, p.stderr.String(), "--listen")
	assert.Contains(t, p.stderr.String(), address)
	assert.Empty(t, p.stdout.String())
}
