package doctor

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/internal/testing/port"
	"github.com/c4342123/rollcall/publisher"
)

func TestMain(m *testing.M) {
	leak.Main(m, leak.ServersCutShort()...) // a service that cannot go on is stopped in the middle of its start
}

// secrets must not show in any finding.
var secrets = []string{simulator.DefaultAppSecret, "hunter2", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"}

// patient is an installation that lacks nothing: a simulated DingTalk, free addresses and a
// directory.
func patient(t *testing.T, faults ...fault.Fault) config.Settings {
	t.Helper()
	sc, err := simulator.ParseScenario([]byte(`{meetings: [{id: m, title: M}]}`))
	require.NoError(t, err)
	sc.Faults = faults
	sim, err := simulator.New(simulator.Options{Scenario: sc})
	require.NoError(t, err)
	return config.Settings{
		DingTalk: config.DingTalk{
			URL: serving(t, sim.Handler()), AppKey: simulator.DefaultAppKey, AppSecret: simulator.DefaultAppSecret, CorpID: "corp", Rate: 15,
		},
		Pushes:   config.Pushes{StreamMode: config.StreamOn},
		Embedded: config.Embedded{Listen: freeAddress(t)},
		Store:    config.Store{Replicas: 1, DataDir: filepath.Join(t.TempDir(), "not", "yet")},
		HTTP:     config.HTTP{Listen: freeAddress(t)},
		Polling:  config.Polling{PageSize: 500},
	}
}

func serving(t *testing.T, h http.Handler) *url.URL {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return u
}

func freeAddress(t *testing.T) config.Address {
	t.Helper()
	return config.Address(port.Free(t))
}

// findings are those of one examination, by check.
func findings(t *testing.T, s config.Settings) (map[string]Finding, bool) {
	t.Helper()
	all := map[string]Finding{}
	well := Examine(t.Context(), Options{Settings: s, UserAgent: "test"}, func(f Finding) {
		assert.NotContains(t, all, f.Check, "told once")
		assert.NotEmpty(t, f.Text, f.Check)
		for _, secret := range secrets {
			assert.NotContains(t, f.Text+f.Mend, secret, f.Check)
		}
		if f.Verdict == Failed {
			assert.NotEmpty(t, f.Mend, f.Check)
		}
		all[f.Check] = f
	})
	return all, well
}

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	s := patient(t)
	found, well := findings(t, s)
	assert.True(t, well)
	require.Len(t, found, 14)
	for name, f := range found {
		want := OK
		if slices.Contains([]string{"nats permissions", "jetstream", "stream", "storing"}, name) {
			want = Skipped // the embedded server does not run
		}
		assert.Equal(t, want, f.Verdict, "%s: %s", name, f.Text)
	}
	_, err := os.Stat(filepath.Dir(s.Store.DataDir))
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing is made")
}

// Each row breaks one thing, and says which check finds it and what the finding says.
func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breaks  func(t *testing.T, s *config.Settings)
		faults  []fault.Fault
		check   string
		verdict Verdict
		says    []string
	}{
		"no credentials": {
			breaks: func(_ *testing.T, s *config.Settings) { s.DingTalk.AppKey, s.DingTalk.AppSecret = "", "" },
			check:  "credentials", verdict: Failed, says: []string{"dingtalk-app-key", "developer console"},
		},
		"a fixed token": {
			breaks: func(_ *testing.T, s *config.Settings) { s.DingTalk = fixed(s.DingTalk) },
			check:  "credentials", verdict: Note, says: []string{"expires"},
		},
		"a fixed token that is refused": {
			breaks: func(_ *testing.T, s *config.Settings) { s.DingTalk = fixed(s.DingTalk) },
			check:  "permission", verdict: Failed, says: []string{"--dingtalk-app-key"},
		},
		"nobody at the URL": {
			breaks: func(t *testing.T, s *config.Settings) { s.DingTalk.URL.Host = string(freeAddress(t)) },
			check:  "dingtalk reached", verdict: Failed, says: []string{"refused", "--dingtalk-url"},
		},
		"a wrong clock": {
			breaks: func(t *testing.T, s *config.Settings) {
				s.DingTalk.URL = serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT")
				}))
			},
			check: "clock", verdict: Failed, says: []string{"off", "NTP"},
		},
		"a wrong secret": {
			breaks: func(_ *testing.T, s *config.Settings) { s.DingTalk.AppSecret = "hunter2" },
			check:  "access token", verdict: Failed, says: []string{"invalidClientIdOrSecret", "--dingtalk-app-secret"},
		},
		"no permission": {
			faults: []fault.Fault{{Kind: fault.Denied, Calls: []fault.Class{fault.ClassOrg}}},
			check:  "permission", verdict: Failed, says: []string{"VideoConference.Conference.Read"},
		},
		"the month's calls are used up": {
			faults: []fault.Fault{{Kind: fault.Quota, Calls: []fault.Class{fault.ClassOrg}}},
			check:  "permission", verdict: Failed, says: []string{"used up", "buy"},
		},
		"too many calls": {
			faults: []fault.Fault{{Kind: fault.QPSApp, Calls: []fault.Class{fault.ClassOrg}}},
			check:  "permission", verdict: Failed, says: []string{"--dingtalk-rate"},
		},
		"a log-in page": {
			faults: []fault.Fault{{Kind: fault.HTML, Calls: []fault.Class{fault.ClassOrg}}},
			check:  "permission", verdict: Failed, says: []string{"blocked"},
		},
		"no pushes": {
			breaks: func(_ *testing.T, s *config.Settings) { s.Pushes.StreamMode = config.StreamOff },
			check:  "pushes", verdict: Note, says: []string{"polling alone", "--stream-mode"},
		},
		"the callback's keys": {
			breaks: func(_ *testing.T, s *config.Settings) { s.Pushes = keys("dingsimulatedapp") },
			check:  "pushes", verdict: OK, says: []string{"webhook at /webhooks/dingtalk"},
		},
		"an unusual owner": {
			breaks: func(_ *testing.T, s *config.Settings) { s.Pushes = keys("ding9f50") },
			check:  "pushes", verdict: Note, says: []string{"corpId"},
		},
		"an AES key that is none": {
			breaks: func(_ *testing.T, s *config.Settings) {
				s.Pushes = keys("dingsimulatedapp")
				s.Pushes.WebhookAESKey = "hunter2"
			},
			check: "pushes", verdict: Failed, says: []string{"AES key"},
		},
		"no server at the NATS URL": {
			breaks: func(t *testing.T, s *config.Settings) {
				s.NATS.URL = config.Servers{"nats://" + string(freeAddress(t))}
			},
			check: "nats", verdict: Failed, says: []string{"--nats-url"},
		},
		"a directory that cannot be written": {
			breaks: func(_ *testing.T, s *config.Settings) { s.Store.DataDir = "/proc/rollcall" },
			check:  "nats", verdict: Failed, says: []string{"/proc", "--data-dir"},
		},
		"a file for a directory": {
			breaks: func(t *testing.T, s *config.Settings) {
				s.Store.DataDir = filepath.Join(t.TempDir(), "file")
				require.NoError(t, os.WriteFile(s.Store.DataDir, nil, 0o600))
			},
			check: "nats", verdict: Failed, says: []string{"is no directory"},
		},
		"an address that somebody has": {
			breaks: func(t *testing.T, s *config.Settings) {
				s.HTTP.Listen = config.Address(serving(t, http.NotFoundHandler()).Host)
			},
			check: "http", verdict: Failed, says: []string{"in use", "--listen"},
		},
		"a service that runs": {
			breaks: func(t *testing.T, s *config.Settings) {
				s.HTTP.Listen = config.Address(serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = w.Write([]byte("ok\n"))
				})).Host)
			},
			check: "http", verdict: OK, says: []string{"running"},
		},
		"open to others without a token": {
			breaks: func(_ *testing.T, s *config.Settings) { s.HTTP.Listen = "0.0.0.0:0" },
			check:  "http", verdict: Failed, says: []string{"--api-token"},
		},
		"a webhook without a token": {
			breaks: func(_ *testing.T, s *config.Settings) {
				s.Pushes = config.Pushes{WebhookToken: "t", WebhookAESKey: "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", WebhookOwnerKey: "o"}
			},
			check: "http", verdict: Failed, says: []string{"--api-token"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := patient(t, c.faults...)
			if c.breaks != nil {
				c.breaks(t, &s)
			}
			found, well := findings(t, s)
			f := found[c.check]
			assert.Equal(t, c.verdict, f.Verdict, f.Text)
			if c.verdict == Failed {
				assert.False(t, well)
			}
			for _, text := range c.says {
				assert.Contains(t, f.Text+" > "+f.Mend, text)
			}
		})
	}
}

// fixed is the API with a token that the server did not grant.
func fixed(d config.DingTalk) config.DingTalk {
	d.AppKey, d.AppSecret, d.AccessToken = "", "", "hunter2"
	return d
}

func keys(owner string) config.Pushes {
	return config.Pushes{
		WebhookToken: "hunter2", WebhookOwnerKey: owner, WebhookAESKey: "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij",
	}
}

// running starts the server of the settings.
func running(t *testing.T, s config.Settings, token string) *nats.Conn {
	t.Helper()
	srv, err := embedded.Start(t.Context(), embedded.Options{
		StoreDir: s.Store.DataDir, Listen: string(s.Embedded.Listen), Token: token,
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	nc, err := nats.Connect(srv.ClientURL(), nats.Token(token), nats.ReconnectBufSize(-1))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

func TestTheStream(t *testing.T) {
	t.Parallel()
	s := patient(t)
	nc := running(t, s, "")
	look := func() Finding {
		found, _ := findings(t, s)
		assert.Equal(t, OK, found["nats"].Verdict, found["nats"].Text)
		return found["stream"]
	}
	assert.Contains(t, look().Text, "none yet")
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.Stream(t.Context(), events.Stream)
	assert.ErrorIs(t, err, jetstream.ErrStreamNotFound, "looking makes no stream")

	_, err = publisher.Open(t.Context(), nc, publisher.Options{CorpID: "corp", Replicas: 1})
	require.NoError(t, err)
	assert.Equal(t, Finding{Check: "stream", Verdict: OK, Text: "0 messages, 1 replicas"}, look())

	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	config := st.CachedInfo().Config
	config.Duplicates *= 2
	_, err = js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	f := look()
	assert.Equal(t, Note, f.Verdict)
	assert.Contains(t, f.Text, "duplicate_window")

	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	natstest.Anew(t, func() error {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: events.Stream, Subjects: []string{"conference.>"}})
		return err
	})
	f = look()
	assert.Equal(t, Failed, f.Verdict)
	assert.Contains(t, f.Text, "subjects")
}

// The one call that is spent is one of the month's.
func TestTheMonthsCalls(t *testing.T) {
	t.Parallel()
	s := patient(t)
	s.DingTalk.MonthlyCalls = 2
	found, well := findings(t, s)
	assert.True(t, well)
	assert.Equal(t, Skipped, found["permission"].Verdict, "nobody counts: %s", found["permission"].Text)
	running(t, s, "")
	for range 2 {
		found, _ = findings(t, s)
		assert.Equal(t, OK, found["permission"].Verdict, found["permission"].Text)
	}
	found, _ = findings(t, s)
	assert.Equal(t, Skipped, found["permission"].Verdict)
	assert.Contains(t, found["permission"].Text, "month")
}

// TestServersThatForget may lose what they acknowledged.
func TestServersThatForget(t *testing.T) {
	t.Parallel()
	s := patient(t)
	nc := running(t, s, "")
	s.NATS.URL = config.Servers{"nats://" + natstest.Masked(t, nc.ConnectedUrl(), "2.14.5").Addr()}
	found, well := findings(t, s)
	assert.True(t, well)
	assert.Equal(t, Note, found["stream"].Verdict)
	assert.Contains(t, found["stream"].Text, "is 2.14.5: what it acknowledged can be lost at a power cut")
	assert.Contains(t, found["stream"].Mend, "2.14.6 or newer")
}

func TestALogInThatIsRefused(t *testing.T) {
	t.Parallel()
	s := patient(t)
	running(t, s, "hunter2")
	found, well := findings(t, s)
	assert.False(t, well)
	assert.Equal(t, Failed, found["nats"].Verdict)
	assert.Contains(t, found["nats"].Mend, "--nats-token")
	assert.Equal(t, Skipped, found["stream"].Verdict)
}

func TestDataThatAnotherServerHas(t *testing.T) {
	t.Parallel()
	s := patient(t)
	running(t, s, "")
	s.Embedded.Listen = freeAddress(t)
	found, _ := findings(t, s)
	assert.Equal(t, Failed, found["nats"].Verdict)
	assert.Contains(t, found["nats"].Mend, "another Rollcall")
}

func TestStopping(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	well := Examine(ctx, Options{Settings: patient(t)}, func(Finding) {
		told++
		cancel()
	})
	assert.False(t, well)
	assert.Equal(t, 1, told)
}
