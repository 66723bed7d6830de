package e2e_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/service"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// The keys of the callback in these tests.
const (
	hookToken    = "callback-token"
	hookAESKey   = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
	hookOwnerKey = simulator.DefaultAppKey
	hookPath     = "/webhooks/dingtalk"
)

// driven is a running service that a simulated DingTalk pushes to, and a core subscriber of its
// events.
type driven struct {
	*testing.T
	sim  *simulator.Simulator
	base string // of the service's HTTP interface
	nats string
	log  *text
	live *subscriber
	js   jetstream.JetStream
}

// plan is what a driven service is made of. Looks are longer apart than any test takes, so that
// what happens before the next is the pushes' doing; set changes that. Nor does DingTalk push a
// second time what is answered late.
type plan struct {
	scenario string
	push     simulator.PushSettings
	stream   simulator.StreamSettings
	set      func(*config.Settings)
	direct   string // where the subscriber finds NATS; the service's when empty
}

// often looks as often as can be.
func often(s *config.Settings) {
	s.Polling.MinInterval, s.Polling.MaxInterval = 10*time.Millisecond, 50*time.Millisecond
}

// drive runs all of it until the test ends.
func drive(t *testing.T, p plan) *driven {
	t.Helper()
	d := &driven{T: t, log: &text{}}
	api, begin := d.standIn()
	s := config.Settings{
		DingTalk: config.DingTalk{
			URL: api, AppKey: simulator.DefaultAppKey, AppSecret: simulator.DefaultAppSecret, CorpID: "corp", Rate: 1000,
		},
		Pushes:   config.Pushes{WebhookToken: hookToken, WebhookAESKey: hookAESKey, WebhookOwnerKey: hookOwnerKey},
		Embedded: config.Embedded{Listen: "127.0.0.1:0"},
		Store:    config.Store{Replicas: 1, DataDir: t.TempDir()},
		HTTP:     config.HTTP{Listen: "127.0.0.1:0"},
		Polling:  config.Polling{MinInterval: time.Hour, MaxInterval: time.Hour, PageSize: 500},
		Events:   config.Events{Retention: time.Hour},
	}
	if p.set != nil {
		p.set(&s)
	}
	opened := make(chan service.Addresses, 1)
	background(t, func(ctx context.Context) error {
		return service.Run(ctx, service.Options{
			Settings: s, Logger: slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Opened: func(at service.Addresses) error { opened <- at; return nil },
		})
	})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	select {
	case at := <-opened:
		d.base, d.nats = at.HTTP, cmp.Or(p.direct, at.NATS)
	case <-time.After(patient):
		require.Fail(t, "the service does not open", d.log.String())
	}
	d.subscribe()
	begin(d.simulate(p))
	d.answers("/readyz", http.StatusOK, "ready")
	return d
}

// standIn serves an API that keeps its callers waiting until it begins to answer as another handler
// does: DingTalk and the service have to know each other's address.
func (d *driven) standIn() (api *url.URL, begin func(http.Handler)) {
	d.Helper()
	var handler http.Handler
	begun := make(chan struct{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.Context()))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-begun:
			handler.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx } // calls that hang end with it
	server.Start()
	d.Cleanup(func() { cancel(); server.Close() })
	api, err := url.Parse(server.URL)
	require.NoError(d, err)
	return api, func(h http.Handler) {
		handler = h
		close(begun)
	}
}

// simulate runs the pushes of a simulated DingTalk, and returns its API.
func (d *driven) simulate(p plan) http.Handler {
	d.Helper()
	if p.push.Token == "" {
		p.push.URL, p.push.Token, p.push.AESKey = d.base+hookPath, hookToken, hookAESKey
	}
	p.push.Timeout = history.Duration(patient)
	p.stream.AckTimeout = cmp.Or(p.stream.AckTimeout, history.Duration(patient))
	sc, err := simulator.ParseScenario([]byte(p.scenario))
	require.NoError(d, err)
	d.sim, err = simulator.New(simulator.Options{
		Scenario: sc, Settings: simulator.Settings{Push: p.push, Stream: p.stream},
		NewCipher: func(token, aesKey, ownerKey string) (simulator.Cipher, error) {
			return callback.NewCipher(callback.Keys{Token: token, AESKey: aesKey, OwnerKey: ownerKey})
		},
	})
	require.NoError(d, err)
	background(d.T, d.sim.RunPushes)
	return d.sim.Handler()
}

func (d *driven) subscribe() {
	d.Helper()
	conn, err := nats.Connect(d.nats, nats.Timeout(patient))
	require.NoError(d, err)
	d.Cleanup(conn.Close)
	d.live = &subscriber{}
	_, err = conn.Subscribe("conference.*.*", func(msg *nats.Msg) { d.live.take(d.T, msg.Data) })
	require.NoError(d, err)
	require.NoError(d, conn.Flush())
	d.js, err = jetstream.New(conn)
	require.NoError(d, err)
}

// request makes a request and returns its answer; status 0 says that there was none.
func (d *driven) request(method, path string, body io.Reader) (int, string) {
	req, err := http.NewRequestWithContext(d.Context(), method, d.base+path, body)
	require.NoError(d, err)
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

// answers waits until GET answers with the status and with something in the body.
func (d *driven) answers(path string, status int, want string) string {
	d.Helper()
	var got int
	var body string
	if !assert.Eventually(d, func() bool {
		got, body = d.request(http.MethodGet, path, http.NoBody)
		return got == status && strings.Contains(body, want)
	}, patient, 5*time.Millisecond) {
		require.Fail(d, "not answered", "%s: want %d %q, got %d %s", path, status, want, got, body)
	}
	return body
}

// watch asks for a meeting to be watched, and waits until so many are known to be present.
func (d *driven) watch(id, active string) {
	d.Helper()
	status, body := d.request(http.MethodPut, "/v1/meetings/"+id, http.NoBody)
	require.Equal(d, http.StatusCreated, status, body)
	d.answers("/v1/meetings/"+id, http.StatusOK, `"activeCount":`+active)
}

func (d *driven) do(id string, actions ...history.LiveAction) {
	d.Helper()
	_, _, err := d.sim.Do(id, actions...)
	require.NoError(d, err)
}

func (d *driven) faults(faults ...fault.Fault) {
	d.Helper()
	_, err := d.sim.AddFaults(faults...)
	require.NoError(d, err)
}

// acknowledged waits until so many pushes have been answered with success on a way.
func (d *driven) acknowledged(way fault.Class, n uint64) {
	d.Helper()
	require.Eventually(d, func() bool { return d.sim.Stats().Pushes.Ways[way].Acknowledged >= n }, patient, time.Millisecond)
}

func joins(person string) history.LiveAction {
	return history.LiveAction{Do: history.Join, Person: person}
}

func renames(person, nick string) history.LiveAction {
	return history.LiveAction{Do: history.Rename, Person: person, Nick: nick}
}

// text keeps what is written to it.
type text = logbuffer.Buffer

// subscriber keeps the events it gets, in their order.
type subscriber struct {
	mu  sync.Mutex
	all []events.Event
	raw []byte
}

func (s *subscriber) take(t *testing.T, data []byte) {
	e, err := events.Decode(data)
	if !assert.NoError(t, err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.raw = append(s.all, e), append(s.raw, data...)
}

// of returns the events of a meeting.
func (s *subscriber) of(id string) []events.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []events.Event
	for _, e := range s.all {
		if e.ConferenceID() == id {
			out = append(out, e)
		}
	}
	return out
}

// bytes is all that was heard, as it came.
func (s *subscriber) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.raw)
}
