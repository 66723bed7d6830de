package doctor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/service"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// waiting is how long anything may take that is waited for.
const waiting = time.Minute

// serve runs the service until the test ends, and returns its log.
func serve(t *testing.T, s config.Settings) *logbuffer.Buffer {
	t.Helper()
	log := &logbuffer.Buffer{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- service.Run(ctx, service.Options{Settings: s, Logger: slog.New(slog.NewTextHandler(log, nil))})
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
		http.DefaultClient.CloseIdleConnections()
	})
	return log
}

// do makes a request of a service.
func do(t *testing.T, s config.Settings, method, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+string(s.HTTP.Listen)+path, strings.NewReader(""))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func eventually(t *testing.T, s config.Settings, path, text string) {
	t.Helper()
	var last string
	ok := assert.Eventually(t, func() bool {
		_, last = do(t, s, http.MethodGet, path)
		return strings.Contains(last, text)
	}, waiting, 10*time.Millisecond)
	require.True(t, ok, "%s: %s", path, last)
}

func ready(t *testing.T, s config.Settings) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, _ := do(t, s, http.MethodGet, "/readyz")
		return status == http.StatusOK
	}, waiting, 10*time.Millisecond)
}

// limited is a server with a user that may do what the classes need and nothing else, in an account
// that has exactly the room that the service needs.
func limited(s config.Settings, replicas int, classes ...class) string {
	publish, subscribe := allowed(s, classes...)
	_, users, _ := strings.Cut(with(publish, subscribe), "\n")
	users = strings.TrimSuffix(strings.TrimPrefix(users, "authorization { "), " }")
	return fmt.Sprintf(`jetstream { store_dir: "HERE" }
accounts { A: { jetstream: { max_streams: %d, max_consumers: %d }, %s } }`, len(streams(s)), replicas*consumersNeeded, users)
}

// contents are what a stream holds.
func contents(t *testing.T, js jetstream.JetStream, name string) jetstream.StreamInfo {
	t.Helper()
	st, err := js.Stream(t.Context(), name)
	require.NoError(t, err)
	info := *st.CachedInfo()
	info.TimeStamp, info.Cluster = time.Time{}, nil
	return info
}

// The service does everything with no more than the doctor asks for. While it runs the doctor is
// content, and leaves everything as it was.
func TestTheServiceNeedsNoMore(t *testing.T) {
	t.Parallel()
	s := patient(t)
	s.Polling.MinInterval, s.Polling.MaxInterval, s.Polling.DiscoveryInterval = 10*time.Millisecond, 50*time.Millisecond, time.Second
	s.Events.Retention = time.Hour
	s.DingTalk.Rate = 100
	srv := broker(t, limited(s, 2, toServe, toMake, toAgree, toLend))
	s = user(s, srv, "rollcall")
	other := s
	other.HTTP.Listen = freeAddress(t)
	logs := []*logbuffer.Buffer{serve(t, s)}
	ready(t, s)
	logs = append(logs, serve(t, other))
	eventually(t, other, "/readyz?verbose", "[+] replicas ok")
	js := manager(t, srv, "admin")
	made := func() bool {
		for _, name := range streams(s) {
			if _, err := js.Stream(t.Context(), name); err != nil {
				return false
			}
		}
		return true
	}
	require.Eventually(t, made, waiting, 10*time.Millisecond)
	for _, at := range []config.Settings{s, other} {
		status, body := do(t, at, http.MethodPut, "/v1/meetings/m")
		require.Contains(t, []int{http.StatusOK, http.StatusCreated}, status, body)
		eventually(t, at, "/v1/meetings/m", `"conferenceId":"m"`)
		status, body = do(t, at, http.MethodGet, "/v1/meetings?state=ended&search=m")
		require.Equal(t, http.StatusOK, status, body)
		eventually(t, at, "/v1/meetings/m/report?format=table", "m")
	}
	before := contents(t, js, events.Stream)
	before.State = jetstream.StreamState{}
	found, well := findings(t, s)
	assert.True(t, well, whole(found))
	for _, check := range []string{"nats", "jetstream", "stream", "storing"} {
		assert.Equal(t, OK, found[check].Verdict, whole(found))
	}
	after := contents(t, js, events.Stream)
	after.State = jetstream.StreamState{}
	assert.Equal(t, before, after)
	for _, log := range logs {
		assert.NotContains(t, strings.ToLower(log.String()), "permissions")
		assert.NotContains(t, log.String(), "maximum")
	}
}

// With data and nobody who adds to them, the doctor changes nothing at all.
func TestTheDoctorChangesNothing(t *testing.T) {
	t.Parallel()
	s := patient(t)
	s.Polling.DiscoveryInterval = time.Minute
	s.Events.Retention = time.Hour
	srv := broker(t, open)
	s = user(s, srv, "")
	js := manager(t, srv, "")
	t.Run("run", func(t *testing.T) {
		serve(t, s)
		ready(t, s)
		status, body := do(t, s, http.MethodPut, "/v1/meetings/m")
		require.Equal(t, http.StatusCreated, status, body)
		for _, name := range streams(s) {
			require.Eventually(t, func() bool { _, err := js.Stream(t.Context(), name); return err == nil }, waiting, 10*time.Millisecond)
		}
	})
	before := map[string]jetstream.StreamInfo{}
	for _, name := range streams(s) {
		before[name] = contents(t, js, name)
	}
	require.Positive(t, before[events.Stream].State.Msgs)
	for range 2 {
		found, well := findings(t, s)
		assert.True(t, well, whole(found))
		for _, check := range []string{"nats", "nats permissions", "jetstream", "stream", "storing"} {
			assert.Equal(t, OK, found[check].Verdict, whole(found))
		}
	}
	for _, name := range streams(s) {
		assert.Equal(t, before[name], contents(t, js, name), name)
	}
	all := 0
	for range js.StreamNames(t.Context()).Name() {
		all++
	}
	assert.Len(t, streams(s), all, "no other stream")
}

// taken makes the real stream with a consumer of somebody else, so that a limit of one leaves the
// service none. With one for itself it may be ready: which of its parts gets that one is chance.
func taken(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	exists(t, js)
	_, err := js.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Durable: "theirs"})
	require.NoError(t, err)
}

// What the doctor finds keeps the service from being ready, which says why.
func TestTheServiceSaysWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lacks    string // that this user may publish or subscribe to
		server   string // else
		user     string
		replicas int
		before   func(*testing.T, jetstream.JetStream)
		says     string
	}{
		"leases":              {lacks: "$KV.ROLLCALL_SHARDS.>", says: `leases: no replica has a lease: nobody looks at any meeting`},
		"leases by name":      {lacks: "$KV.ROLLCALL_SHARDS.>", says: `publish: { allow: ["$KV.ROLLCALL_SHARDS.>"] }`},
		"committing":          {lacks: "rollcall.in.>", says: `publish: { allow: ["rollcall.in.>"] }`},
		"making the stream":   {lacks: "$JS.API.STREAM.CREATE.CONFERENCE", says: `publish: { allow: ["$JS.API.STREAM.CREATE.CONFERENCE"] }`},
		"making a bucket":     {lacks: "$JS.API.STREAM.CREATE.KV_ROLLCALL_BUDGET", says: `publish: { allow: ["$JS.API.STREAM.CREATE.KV_ROLLCALL_BUDGET"] }`},
		"reading":             {lacks: "$JS.API.CONSUMER.CREATE.CONFERENCE.>", says: `publish: { allow: ["$JS.API.CONSUMER.CREATE.CONFERENCE.>"] }`},
		"being answered":      {lacks: "_INBOX.>", says: `subscribe: { allow: ["_INBOX.>"] }`},
		"three replicas":      {server: open, replicas: 3, says: "replicas > 1 not supported"},
		"no JetStream":        {server: ``, says: "no JetStream"},
		"no stream of ours":   {server: accountWith("{ max_streams: 1 }"), user: "rollcall", says: "maximum number of streams"},
		"no consumer of ours": {server: accountWith("{ max_consumers: 1 }"), user: "rollcall", before: taken, says: "maximum consumers limit"},
		"no storage":          {server: accountWith("{ max_file: 0 }"), user: "rollcall", says: "storage resources"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := patient(t)
			s.Store.Replicas, s.Events.Retention = max(c.replicas, 1), time.Hour
			text, as := c.server, c.user
			if c.lacks != "" {
				publish, subscribe := allowed(s, toServe, toMake, toAgree, toLend)
				text, as = with(without(publish, c.lacks), without(subscribe, c.lacks)), "rollcall"
			}
			srv := broker(t, text)
			if c.before != nil {
				c.before(t, manager(t, srv, as))
			}
			s = user(s, srv, as)
			serve(t, s)
			var last string
			ok := assert.Eventually(t, func() bool {
				var status int
				status, last = do(t, s, http.MethodGet, "/readyz")
				return status == http.StatusServiceUnavailable && strings.Contains(last, c.says)
			}, waiting, 10*time.Millisecond)
			assert.True(t, ok, last)
		})
	}
}
