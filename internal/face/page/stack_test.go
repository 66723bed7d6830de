package page_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/service"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) {
	// Browsers need processors: unless -parallel says otherwise, no more of them run than there
	// are.
	_ = flag.Set("test.parallel", strconv.Itoa(runtime.GOMAXPROCS(0)))
	leak.Main(m)
}

// patience is how long anything may take that is waited for.
const patience = time.Minute

const apiToken = "a-token-for-tests"

// stack is a running service, the simulated DingTalk it looks at, and a network that can fail
// between the service and the browser.
type stack struct {
	t     *testing.T
	sim   *simulator.Simulator
	proxy *faultproxy.Proxy
	page  string // where the browser finds it: through the proxy
	token string
}

// run starts all of it until the test ends. With a token, the service asks for it.
func run(t *testing.T, sc simulator.Scenario, token string, edit ...func(*config.Settings)) *stack {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Scenario: &sc})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	dingtalk := httptest.NewUnstartedServer(sim.Handler())
	dingtalk.Config.BaseContext = func(net.Listener) context.Context { return ctx } // calls that hang end with it
	dingtalk.Start()
	api, err := url.Parse(dingtalk.URL)
	require.NoError(t, err)
	settings := config.Settings{
		DingTalk: config.DingTalk{
			URL: api, AppKey: simulator.DefaultAppKey, AppSecret: simulator.DefaultAppSecret, CorpID: "corp", Rate: 1000,
		},
		Embedded: config.Embedded{Listen: "127.0.0.1:0"},
		Store:    config.Store{Replicas: 1, DataDir: t.TempDir()},
		HTTP: config.HTTP{
			Listen: "127.0.0.1:0", APIToken: config.Secret(token), TrustedProxies: config.Networks{netip.MustParsePrefix("127.0.0.1/32")}, SessionLife: time.Hour,
		},
		Polling: config.Polling{DiscoveryInterval: 200 * time.Millisecond, MinInterval: 100 * time.Millisecond, MaxInterval: 300 * time.Millisecond, PageSize: 500},
		Events:  config.Events{Retention: time.Hour},
	}
	for _, e := range edit {
		e(&settings)
	}
	opened, ended := make(chan service.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- service.Run(ctx, service.Options{Settings: settings, Opened: func(at service.Addresses) error { opened <- at; return nil }})
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
		dingtalk.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	var at service.Addresses
	select {
	case at = <-opened:
	case err := <-ended:
		ended <- err
		require.NoError(t, err)
	}
	proxy := faultproxy.Start(t, strings.TrimPrefix(at.HTTP, "http://"))
	return &stack{t, sim, proxy, "http://" + proxy.Addr() + "/", token}
}

// get reads what the API says.
func (s *stack) get(path string, into any) error {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.page+path, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// reported waits until the report of a meeting is as it should be.
func (s *stack) reported(id string, done func(report.Report) bool) (r report.Report) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		r = report.Report{}
		return s.get("v1/meetings/"+id+"/report", &r) == nil && done(r)
	}, patience, 20*time.Millisecond)
	return r
}

// do makes people of a meeting do something.
func (s *stack) do(id string, verb history.Verb, people ...string) {
	s.t.Helper()
	for _, person := range people {
		_, _, err := s.sim.Do(id, history.LiveAction{Do: verb, Person: person})
		require.NoError(s.t, err)
	}
}

// end ends a meeting, and waits until that is told.
func (s *stack) end(id string) report.Report {
	s.t.Helper()
	s.do(id, history.End, "")
	return s.reported(id, func(r report.Report) bool { return r.EndTime > 0 })
}
