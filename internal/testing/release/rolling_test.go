package release

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/port"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

var older = flag.String("older", "", "a commit from before format 2, such as 3be2c07, to build the program of and to upgrade from, replica by replica")

// buildOlder builds the program of a commit.
func buildOlder(t *testing.T, commit string) string {
	t.Helper()
	dir := t.TempDir()
	source := exec.Command("sh", "-c", `git -C "$0" archive "$1" | tar -x -C "$2"`, root(t), commit, dir)
	out, err := source.CombinedOutput()
	require.NoError(t, err, "%s", out)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "older"), "./cmd/rollcall")
	build.Dir = dir
	out, err = build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join(dir, "older")
}

// replica is `rollcall serve` with another NATS server.
type replica struct {
	http string
	log  *logbuffer.Buffer
	end  chan error
	stop func()
}

func startReplica(t *testing.T, program, nats, dingtalk string) *replica {
	t.Helper()
	r := &replica{http: port.Free(t), log: &logbuffer.Buffer{}, end: make(chan error, 1)}
	cmd := exec.Command(program, "serve", "--listen", r.http, "--nats-url", nats, "--retention", "0",
		"--dingtalk-url", dingtalk, "--dingtalk-app-key", simulator.DefaultAppKey, "--dingtalk-app-secret", simulator.DefaultAppSecret,
		"--discovery-interval", "1s", "--poll-min-interval", "100ms", "--poll-max-interval", "500ms", "--dingtalk-rate", "200",
		"--dingtalk-monthly-calls=0", "--stream-mode=false")
	cmd.Env, cmd.Stderr = clean(), r.log
	require.NoError(t, cmd.Start())
	go func() { r.end <- cmd.Wait() }()
	stopped := false
	r.stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			<-r.end
		}
	}
	t.Cleanup(r.stop)
	return r
}

func (r *replica) ready(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + r.http + "/readyz")
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode == http.StatusOK
	}, patience, 50*time.Millisecond, "%s", r.log)
}

func formatOf(t *testing.T, js jetstream.JetStream) string {
	t.Helper()
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	return st.CachedInfo().Config.Metadata["rollcall_format"]
}

// TestRollingUpgrade upgrades replica by replica: nothing is switched while one of them cannot do
// the newer format, then the stream is, chains begin in the meeting that goes on, and an older
// program refuses the stream.
func TestRollingUpgrade(t *testing.T) {
	if *older == "" {
		t.Skip("only with -older COMMIT")
	}
	old := buildOlder(t, *older)
	server := streamtest.Start(t)
	js := server.JetStream()
	sim, dingtalk := simulate(t, time.Now())
	first := startReplica(t, old, server.URL(), dingtalk)
	first.ready(t)
	require.Empty(t, formatOf(t, js))
	second := startReplica(t, program, server.URL(), dingtalk)
	second.ready(t)
	joined := func(person string) {
		t.Helper()
		_, _, err := sim.Do("live", history.LiveAction{Do: history.Join, Person: person, Nick: person})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return has(storedNow(t, js), "live", events.Joined, person) }, patience, 100*time.Millisecond,
			"%s is not announced: %d events\n%s\n%s", person, len(storedNow(t, js)), first.log, second.log)
	}
	joined("u-one")
	// Longer than the switch would take otherwise.
	assert.Never(t, func() bool { return formatOf(t, js) != "" }, 15*time.Second, 500*time.Millisecond, "%s", second.log)
	joined("u-two")
	for _, e := range storedNow(t, js) {
		assert.Empty(t, e.Previous, "an older replica has to read it")
	}

	first.stop()
	third := startReplica(t, program, server.URL(), dingtalk)
	third.ready(t)
	require.Eventually(t, func() bool { return formatOf(t, js) == "2" }, patience, 100*time.Millisecond, "%s", second.log)
	joined("u-three")
	joined("u-four")
	last := storedNow(t, js)
	chained := 0
	for _, e := range last {
		if e.ConferenceID() == "live" && e.Previous != "" {
			chained++
		}
	}
	assert.GreaterOrEqual(t, chained, 2)
	assert.Empty(t, last[0].Previous, "what was stored before stays as it is")

	refused := startReplica(t, old, server.URL(), dingtalk)
	select {
	case err := <-refused.end:
		require.Error(t, err)
		refused.end <- nil
	case <-time.After(patience):
		require.Fail(t, "an older program goes on", "%s", refused.log)
	}
	assert.Contains(t, refused.log.String(), "max_msg_size is 2147483647, not unlimited")
	joined("u-five")
	ids := map[string]bool{}
	for _, e := range storedNow(t, js) {
		assert.False(t, ids[e.ID], "%s is announced twice", e.ID)
		ids[e.ID] = true
	}
	assert.Contains(t, second.log.String()+third.log.String(), "of a newer format from now on")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	verify := exec.CommandContext(ctx, program, "verify", "live", "--nats-url", server.URL(), "--dingtalk-url", dingtalk,
		"--dingtalk-app-key", simulator.DefaultAppKey, "--dingtalk-app-secret", simulator.DefaultAppSecret, "--patience", "5s")
	var stderr bytes.Buffer
	verify.Env, verify.Stderr = clean(), &stderr
	out, err := verify.Output()
	require.NoError(t, err, "%s%s", out, stderr.String())
	assert.Contains(t, string(out), "events were stored before there was a chain")
	assert.True(t, strings.HasSuffix(string(out), "the same\n"), "%s", out)
}

// storedNow reads the events of the stream, in its order.
func storedNow(t *testing.T, js jetstream.JetStream) (list []event) {
	t.Helper()
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	info := st.CachedInfo().State
	for seq := max(info.FirstSeq, 1); seq <= info.LastSeq; seq++ {
		m, err := st.GetMsg(t.Context(), seq)
		if err != nil || !strings.HasPrefix(m.Subject, "conference.m") {
			continue
		}
		e, err := events.Decode(m.Data)
		require.NoError(t, err)
		list = append(list, event{Event: e})
	}
	return list
}
