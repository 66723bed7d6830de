package simulator

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// hooked are the settings for a webhook that may be slow, with retries a test can wait for.
func hooked(r *receiver) Settings {
	return Settings{Push: PushSettings{
		URL: r.url, Token: hookToken, AESKey: hookKey, Timeout: history.Duration(patience),
		Retry: history.Duration(20 * time.Millisecond), LastRetry: history.Duration(40 * time.Millisecond),
	}}
}

func TestPushesToAWebhook(t *testing.T) {
	r := receive(t)
	s := pushing(t, hooked(r))
	do(t, s, "join Ann", "join Bob", "leave Ann", "kick Bob", "end")
	r.gets("user_join Ann", "user_join Bob", "user_leave Ann", "user_kicked Bob", "conference_closed")
	settled(t, s, fault.ClassWebhook, WayStats{Pushes: 5, Sent: 5, Acknowledged: 5})
	stats := s.Stats().Pushes
	assert.Equal(t, WayStats{}, stats.Ways[fault.ClassStream], "nobody ever connected")
	assert.Equal(t, 5, stats.MonthPushes)
	assert.Equal(t, time.Now().In(beijing).Format("2006-01"), stats.Month)
	query, err := url.ParseQuery(r.queries[0])
	require.NoError(t, err)
	assert.Len(t, query.Get("msg_signature"), 40)
	assert.Len(t, query.Get("nonce"), nonceLength)
	assert.NotEmpty(t, query.Get("timestamp"))
	assert.NotContains(t, query, "signature")
}

func TestPushesWithOldParameters(t *testing.T) {
	r := receive(t)
	settings := hooked(r)
	settings.Push.OldParameters = true
	s := pushing(t, settings)
	do(t, s, "join Ann")
	r.gets("user_join Ann")
	query, err := url.ParseQuery(r.queries[0])
	require.NoError(t, err)
	assert.Contains(t, query, "signature")
	assert.Contains(t, query, "timeStamp")
	assert.NotContains(t, query, "msg_signature")
	assert.NotContains(t, query, "timestamp")
}

// TestPlannedPushesComeWhenTheyHappen plays a plan, and people nobody planned, on the machine's
// clock.
func TestPlannedPushesComeWhenTheyHappen(t *testing.T) {
	r := receive(t)
	sc, err := ParseScenario([]byte(`{speed: 10, meetings: [
		{id: a, start: 1s, end: 6s, people: [{nick: Ann, visits: [{from: 2s, to: 4s}]}]},
		{id: b, churn: {people: 5, every: 100ms, gap: 100ms}}]}`))
	require.NoError(t, err)
	s, err := New(Options{Scenario: sc, Settings: hooked(r), NewCipher: newCipher})
	require.NoError(t, err)
	runPushes(t, s)
	want := []string{"conference_created", "user_join Ann", "user_leave Ann", "conference_closed"}
	var got []string
	require.Eventually(t, func() bool {
		got = nil
		for _, p := range r.all() {
			if p.event.conferenceID() == "a" {
				got = append(got, p.String())
			}
		}
		return len(got) == len(want)
	}, patience, time.Millisecond)
	assert.Equal(t, want, got)
	for _, p := range r.all() {
		assert.GreaterOrEqual(t, p.at.UnixMilli(), p.event.EventTime, "nothing is told before it happens")
	}
}

func TestTheOutboxSleepsUntilThereIsSomethingToTell(t *testing.T) {
	for start, want := range map[time.Duration]time.Duration{-time.Second: 0, 20 * time.Second: 20 * time.Second, time.Hour: idle} {
		synctest.Test(t, func(t *testing.T) {
			s, err := New(Options{
				Scenario: &Scenario{Meetings: []history.Plan{{ID: "m", Start: history.Duration(start)}}}, NewCipher: newCipher,
				Settings: hooked(&receiver{url: "http://localhost/"}),
			})
			require.NoError(t, err)
			assert.Equal(t, want, (&outbox{sim: s}).wait(time.Now()))
		})
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	var aside string
	tests := map[string]func(w http.ResponseWriter, _ *http.Request, c Cipher){
		"503": func(w http.ResponseWriter, _ *http.Request, _ Cipher) { w.WriteHeader(http.StatusServiceUnavailable) },
		"201": func(w http.ResponseWriter, _ *http.Request, c Cipher) {
			w.WriteHeader(http.StatusCreated)
			answerWith(w, c, "success")
		},
		"an empty answer":   func(http.ResponseWriter, *http.Request, Cipher) {},
		"a bare success":    func(w http.ResponseWriter, _ *http.Request, _ Cipher) { _, _ = w.Write([]byte("success")) },
		"another word":      func(w http.ResponseWriter, _ *http.Request, c Cipher) { answerWith(w, c, "failure") },
		"a wrong signature": func(w http.ResponseWriter, _ *http.Request, c Cipher) { answerWith(w, otherToken{c}, "success") },
		"another owner": func(w http.ResponseWriter, _ *http.Request, c Cipher) {
			other, err := newCipher(hookToken, hookKey, "somebody")
			if assert.NoError(t, err) {
				answerWith(w, other, "success")
			}
		},
		"a redirect": func(w http.ResponseWriter, _ *http.Request, _ Cipher) {
			w.Header().Set("Location", aside)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("redirects are not followed") }))
			t.Cleanup(other.Close)
			aside = other.URL
			r := receive(t)
			r.answerBy(answer)
			s := pushing(t, hooked(r))
			do(t, s, "join Ann")
			settled(t, s, fault.ClassWebhook, WayStats{Pushes: 1, Sent: 3, Refused: 3, GivenUp: 1})
			r.gets("user_join Ann", "user_join Ann", "user_join Ann")
			got := r.all()
			assert.Equal(t, got[0].event, got[2].event)
			assert.GreaterOrEqual(t, got[1].at.Sub(got[0].at), 15*time.Millisecond)
			assert.GreaterOrEqual(t, got[2].at.Sub(got[1].at), 35*time.Millisecond)
		})
	}
}

// TestALongSilenceIsRefused: how many of the pushes reach a webhook that nobody waits for is not
// certain.
func TestALongSilenceIsRefused(t *testing.T) {
	r := receive(t)
	r.answerBy(func(w http.ResponseWriter, req *http.Request, c Cipher) {
		<-req.Context().Done() // until the simulator gives up
		answerWith(w, c, "success")
	})
	settings := hooked(r)
	settings.Push.Timeout = history.Duration(100 * time.Millisecond)
	s := pushing(t, settings)
	do(t, s, "join Ann")
	settled(t, s, fault.ClassWebhook, WayStats{Pushes: 1, Sent: 3, Refused: 3, GivenUp: 1})
}

// otherToken signs with another token.
type otherToken struct{ Cipher }

func (o otherToken) Sign(timestamp, nonce, encrypted string) string {
	return o.Cipher.Sign(timestamp, nonce, encrypted+"!")
}

func TestRetriesSucceed(t *testing.T) {
	r := receive(t)
	r.answerBy(func(w http.ResponseWriter, _ *http.Request, _ Cipher) {
		r.answerBy(nil)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s := pushing(t, hooked(r))
	do(t, s, "join Ann")
	settled(t, s, fault.ClassWebhook, WayStats{Pushes: 1, Sent: 2, Acknowledged: 1, Refused: 1})
}

func TestNobodyListensAtTheWebhook(t *testing.T) {
	s := pushing(t, hooked(&receiver{url: "http://127.0.0.1:1"}))
	do(t, s, "join Ann")
	settled(t, s, fault.ClassWebhook, WayStats{Pushes: 1, Sent: 3, Refused: 3, GivenUp: 1})
}

func TestPushFaults(t *testing.T) {
	tests := map[string]struct {
		fault fault.Fault
		want  []string // in response to: Ann joins, Bob joins, Cat joins
		stats WayStats
	}{
		"lost": {
			fault.Fault{Kind: fault.PushLost, Next: 1},
			[]string{"user_join Bob", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 2, Acknowledged: 2},
		},
		"doubled": {
			fault.Fault{Kind: fault.PushDoubled, Next: 2},
			[]string{"user_join Ann", "user_join Ann", "user_join Bob", "user_join Bob", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 5, Acknowledged: 5},
		},
		"delayed": {
			fault.Fault{Kind: fault.PushDelayed, Delay: history.Duration(100 * time.Millisecond), Next: 2},
			[]string{"user_join Cat", "user_join Ann", "user_join Bob"},
			WayStats{Pushes: 3, Sent: 3, Acknowledged: 3},
		},
		"reordered": {
			fault.Fault{Kind: fault.PushReordered, Next: 1},
			[]string{"user_join Bob", "user_join Ann", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 3, Acknowledged: 3},
		},
		"all reordered": {
			fault.Fault{Kind: fault.PushReordered, Delay: history.Duration(100 * time.Millisecond)},
			[]string{"user_join Bob", "user_join Ann", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 3, Acknowledged: 3},
		},
		"forged": {
			fault.Fault{Kind: fault.PushForged, Next: 2},
			[]string{"forged", "user_join Ann", "forged", "user_join Bob", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 5, Acknowledged: 3, Refused: 2},
		},
		"wrong owner": {
			fault.Fault{Kind: fault.PushWrongOwner, Next: 1},
			[]string{"foreign", "user_join Ann", "user_join Bob", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 4, Acknowledged: 3, Refused: 1},
		},
		"for another meeting": {
			fault.Fault{Kind: fault.PushLost, Meeting: "other"},
			[]string{"user_join Ann", "user_join Bob", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 3, Acknowledged: 3},
		},
		"over the stream": {
			fault.Fault{Kind: fault.PushLost, Calls: []fault.Class{fault.ClassStream}},
			[]string{"user_join Ann", "user_join Bob", "user_join Cat"},
			WayStats{Pushes: 3, Sent: 3, Acknowledged: 3},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := receive(t)
			s := pushing(t, hooked(r), test.fault)
			do(t, s, "join Ann", "join Bob", "join Cat")
			settled(t, s, fault.ClassWebhook, test.stats)
			r.gets(test.want...)
		})
	}
}

func TestDamagedPushes(t *testing.T) {
	for kind, want := range map[fault.Kind]string{
		fault.PushGarbage: "no JSON", fault.PushTruncated: "no JSON", fault.PushOld: "old",
	} {
		t.Run(string(kind), func(t *testing.T) {
			r := receive(t)
			s := pushing(t, hooked(r), fault.Fault{Kind: kind, Next: 1})
			do(t, s, "join Ann")
			settled(t, s, fault.ClassWebhook, WayStats{Pushes: 1, Sent: 3, Refused: 3, GivenUp: 1})
			r.gets(want, want, want)
			do(t, s, "leave Ann")
			settled(t, s, fault.ClassWebhook, WayStats{Pushes: 2, Sent: 4, Acknowledged: 1, Refused: 3, GivenUp: 1})
			assert.Equal(t, uint64(1), s.Stats().Faults[kind])
		})
	}
	r := receive(t)
	s := pushing(t, hooked(r), fault.Fault{Kind: fault.PushUnknownType, Next: 1}, fault.Fault{Kind: fault.PushNoUser, Next: 1})
	do(t, s, "join Ann", "leave Ann")
	r.gets("user_join Ann", "user_leave Ann")
	assert.Equal(t, unknownEvent, r.all()[0].event.EventType)
	assert.Empty(t, r.all()[0].event.OpenMemberModels[0].UserID)
	assert.Equal(t, memberEvent, r.all()[1].event.EventType)
}

func TestMonthlyPushes(t *testing.T) {
	r := receive(t)
	settings := hooked(r)
	settings.Push.Monthly = 2
	s := pushing(t, settings)
	do(t, s, "join Ann", "join Bob", "join Cat", "leave Cat")
	settled(t, s, fault.ClassWebhook, WayStats{Pushes: 2, Sent: 2, Acknowledged: 2, OverQuota: 2})
	r.gets("user_join Ann", "user_join Bob")
	stats := s.Stats().Pushes
	assert.Equal(t, 2, stats.MonthPushes)
	assert.Equal(t, 2, stats.MonthLimit)

	c := newPushCount(PushSettings{Monthly: 1})
	december := time.Date(2026, 12, 31, 15, 59, 0, 0, time.UTC)
	assert.True(t, c.take(december))
	assert.False(t, c.take(december))
	assert.True(t, c.take(december.Add(time.Minute)), "the month is Beijing's")
}

func TestFaultsOfPushesAreDeterministic(t *testing.T) {
	run := func(seed uint64) []string {
		s, clock := play(t, `{meetings: [{id: m, churn: {people: 5, every: 1s}}]}`, func(o *Options) {
			o.Seed = seed
			o.Faults = []fault.Fault{{Kind: fault.PushLost, Probability: 0.5}}
		})
		heard(s)
		var out []string
		for i := range 50 {
			clock.at(time.Duration(i) * time.Second)
			for _, p := range s.planned() {
				out = append(out, p.event.EventID+p.event.ChangeScene+strings.Repeat("!", len(p.faults)))
			}
		}
		return out
	}
	first := run(1)
	assert.Greater(t, len(first), 20)
	assert.Equal(t, first, run(1))
	assert.NotEqual(t, first, run(2))
	lost := len(slices.DeleteFunc(slices.Clone(first), func(e string) bool { return !strings.HasSuffix(e, "!") }))
	assert.InDelta(t, len(first)/2, lost, float64(len(first))/4)
}

func TestPushSettingsMistakes(t *testing.T) {
	for want, push := range map[string]PushSettings{
		"push.url is no URL":  {URL: "ftp://host/"},
		"no URL of a webhook": {URL: "http://"},
		"are not negative":    {Retry: -1},
		"monthly is negative": {Monthly: -1},
		"the token":           {URL: "http://host/", AESKey: hookKey},
		"AES key":             {URL: "http://host/", Token: "t", AESKey: "short"},
	} {
		_, err := New(Options{Settings: Settings{Push: push}, NewCipher: newCipher})
		require.ErrorIs(t, err, history.ErrScenario, want)
		require.ErrorContains(t, err, want)
	}
	for want, stream := range map[string]StreamSettings{
		"not negative":      {AckTimeout: -1},
		"stream.deliveries": {Deliveries: -1},
	} {
		_, err := New(Options{Settings: Settings{Stream: stream}})
		require.ErrorIs(t, err, history.ErrScenario, want)
		require.ErrorContains(t, err, want)
	}
	_, err := New(Options{Settings: Settings{Push: PushSettings{URL: "http://host/", Token: "t", AESKey: hookKey}}})
	require.ErrorContains(t, err, "Options.NewCipher")
}

func TestPushesRunOnce(t *testing.T) {
	s := pushing(t, Settings{})
	require.ErrorIs(t, s.RunPushes(t.Context()), ErrPushing)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorIs(t, s.Serve(t.Context(), ln), ErrPushing)
	_, err = ln.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
