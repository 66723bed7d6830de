package service

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// childDir names the store directory for a re-executed test binary, which then is a NATS server and
// nothing else.
const childDir = "ROLLCALL_TEST_SERVICE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child.Serve(embedded.Start(context.Background(), embedded.Options{StoreDir: dir, Listen: "127.0.0.1:0"})))
	}
	leak.Main(m, leak.ServersCutShort()...) // servers go away in the middle of everything
}

// patience is how long anything may take that is waited for; stopTime is how long a stop may.
const (
	patience = time.Minute
	stopTime = 30 * time.Second
)

// log keeps what is logged.
type log = logbuffer.Buffer

// simulate serves a scenario until the test ends.
func simulate(t *testing.T, scenario string) (*simulator.Simulator, *url.URL) {
	t.Helper()
	sc, err := simulator.ParseScenario([]byte(scenario))
	require.NoError(t, err)
	sim, err := simulator.New(simulator.Options{Scenario: sc})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	srv := httptest.NewUnstartedServer(sim.Handler())
	srv.Config.BaseContext = func(net.Listener) context.Context { return ctx } // calls that hang end with it
	srv.Start()
	t.Cleanup(func() {
		cancel()
		srv.Close()
	})
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return sim, u
}

// admin is who may do everything in the embedded server, and the password.
const admin = "admin"

// settings are those of a service that looks often.
func settings(t *testing.T, api *url.URL) config.Settings {
	t.Helper()
	return config.Settings{
		DingTalk: config.DingTalk{
			URL: api, AppKey: simulator.DefaultAppKey, AppSecret: simulator.DefaultAppSecret, CorpID: "corp", Rate: 1000,
		},
		Embedded: config.Embedded{Listen: "127.0.0.1:0"},
		Doors:    config.Doors{OperatorUser: admin, OperatorPassword: admin},
		Store:    config.Store{Replicas: 1, DataDir: t.TempDir()},
		HTTP:     config.HTTP{Listen: freeAddress(t)},
		Polling:  config.Polling{MinInterval: 10 * time.Millisecond, MaxInterval: 50 * time.Millisecond, PageSize: 500},
		Events:   config.Events{Retention: time.Hour},
	}
}

// freeAddress is one that nothing listens on.
func freeAddress(t *testing.T) config.Address {
	t.Helper()
	return config.Address(port.Free(t))
}

// running is a service that a test has started.
type running struct {
	t      *testing.T
	token  string // sent with every request, unless it is empty
	base   string
	nats   string // set by ready
	log    *log
	opened chan Addresses
	stop   func() error // stops the service and returns what Run returned
	ended  chan struct{}
}

func start(t *testing.T, s config.Settings) *running {
	t.Helper()
	r := &running{
		t: t, base: "http://" + string(s.HTTP.Listen), log: &log{}, opened: make(chan Addresses, 1), ended: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var result error
	go func() {
		defer close(r.ended)
		result = Run(ctx, Options{
			Settings: s, Logger: slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Opened: func(at Addresses) error { r.opened <- at; return nil },
		})
	}()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case <-r.ended:
			return result
		case <-time.After(stopTime):
			return assert.AnError
		}
	})
	t.Cleanup(func() {
		assert.NoError(t, r.stop())
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

// ready waits until the service is, and returns where NATS is.
func (r *running) ready() string {
	r.t.Helper()
	r.eventually("/readyz", http.StatusOK, "ready")
	select {
	case at := <-r.opened:
		r.nats = strings.Replace(at.NATS, "://", "://"+admin+":"+admin+"@", 1)
		return r.nats
	case <-r.ended:
		require.NoError(r.t, r.stop())
		require.Fail(r.t, "the service has ended")
		return ""
	}
}

// do makes a request and returns its status and body; status 0 says that there was no answer.
func (r *running) do(method, path, body string) (int, string) {
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(data)
}

// eventually waits until GET answers with the status and with a text in the body.
func (r *running) eventually(path string, status int, text string) string {
	r.t.Helper()
	var body string
	require.Eventually(r.t, func() bool {
		var got int
		got, body = r.do(http.MethodGet, path, "")
		return got == status && strings.Contains(body, text)
	}, patience, 5*time.Millisecond, "%s: want %d %q, got %v", path, status, text, shown{&body})
	return body
}

// stays holds /readyz to one status for a while. It does not ask without a pause, as other tests
// need the processor.
func (r *running) stays(status int, during time.Duration) {
	r.t.Helper()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for began := time.Now(); time.Since(began) < during; <-pause.C {
		got, body := r.do(http.MethodGet, "/readyz", "")
		assert.Equal(r.t, status, got, body)
	}
}

// shown prints what a text has become by then.
type shown struct{ text *string }

func (s shown) String() string { return *s.text }

// meeting is a meeting as the API shows it.
type meeting struct {
	ConferenceID, Title, CreatorID, CreatorNick, State, LastError string
	ActiveCount                                                   int
	Sequence                                                      uint64
	Roster                                                        []struct {
		Person, UnionID, UserNick string
		Present                   bool
	}
}

func (r *running) meeting(id string) meeting {
	r.t.Helper()
	status, body := r.do(http.MethodGet, "/v1/meetings/"+id, "")
	require.Equal(r.t, http.StatusOK, status, body)
	var m meeting
	require.NoError(r.t, json.Unmarshal([]byte(body), &m))
	return m
}

// stored returns every event of the literal view that the stream holds, in order, and the payloads
// of all messages.
func stored(t *testing.T, natsURL string) (list []events.Event, raw []byte) {
	t.Helper()
	nc, err := conn.Connect(t.Context(), config.NATS{URL: config.Servers{natsURL}}, conn.Options{
		Extra: []nats.Option{nats.Timeout(patience)},
	})
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	info := stream.CachedInfo().State
	for seq := max(info.FirstSeq, 1); seq <= info.LastSeq; seq++ {
		msg, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			require.ErrorIs(t, err, jetstream.ErrMsgNotFound) // a state that was replaced
			continue
		}
		raw = append(raw, msg.Subject...)
		raw = append(raw, msg.Data...)
		for _, values := range msg.Header {
			raw = append(raw, strings.Join(values, " ")...)
		}
		if strings.HasPrefix(msg.Subject, "conference.member.") || strings.HasPrefix(msg.Subject, "conference.meeting.") {
			e, err := events.Decode(msg.Data)
			require.NoError(t, err)
			list = append(list, e)
		}
	}
	return list, raw
}
