package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// epoch is when the scenarios of these tests begin.
const epoch = int64(1_700_000_000_000)

// Two scenarios: one with little in it, and one with a crowd that comes and goes.
const (
	quiet = `{meetings: [{id: m, rejoin: add, end: 1m, people: [
	{nick: Ann, host: true, visits: [{from: 1s, to: 30s}]}, {nick: Bob}]}, {id: later, start: 10m}]}`
	lively = `{seed: 7, meetings: [{id: m, churn: {people: 10, guests: 1, phones: 1, every: 1s, kicks: 0.2, calls: 0.3, devices: 0.3}}]}`
)

// fakeClock is a clock that stands still until it is moved.
type fakeClock struct{ ms atomic.Int64 }

func newClock() *fakeClock {
	c := new(fakeClock)
	c.ms.Store(epoch)
	return c
}

func (c *fakeClock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

// at sets the clock to an offset from the epoch.
func (c *fakeClock) at(d time.Duration) { c.ms.Store(epoch + d.Milliseconds()) }

// play returns a simulator of the scenario in YAML, and its clock.
func play(t *testing.T, scenario string, options ...func(*Options)) (*Simulator, *fakeClock) {
	t.Helper()
	sc, err := ParseScenario([]byte(scenario))
	require.NoError(t, err)
	clock := newClock()
	o := Options{Scenario: sc, Now: clock.now}
	for _, set := range options {
		set(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	return s, clock
}

// remote is a simulator behind HTTP.
type remote struct {
	t      *testing.T
	sim    *Simulator
	url    string
	token  string
	client *http.Client
}

// serve puts a simulator behind HTTP.
func serve(t *testing.T, s *Simulator) *remote {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return login(t, s, server.URL, server.Client())
}

// login gets a token from a simulator that is served at a URL.
func login(t *testing.T, s *Simulator, url string, client *http.Client) *remote {
	t.Helper()
	r := &remote{t: t, sim: s, url: url, client: client}
	t.Cleanup(client.CloseIdleConnections)
	var reply struct {
		AccessToken string `json:"accessToken"`
	}
	settings := s.Settings()
	r.post("/v1.0/oauth2/accessToken", map[string]string{"appKey": settings.AppKey, "appSecret": settings.AppSecret}).into(&reply)
	require.NotEmpty(t, reply.AccessToken)
	r.token = reply.AccessToken
	return r
}

// result is what came back from a call.
type result struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (r *remote) do(method, path string, body []byte) result {
	r.t.Helper()
	res, err := r.try(method, path, body)
	require.NoError(r.t, err)
	return res
}

func (r *remote) try(method, path string, body []byte) (result, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, bytes.NewReader(body))
	if err != nil {
		return result{}, err
	}
	req.Header.Set(tokenHeader, r.token)
	resp, err := r.client.Do(req)
	if err != nil {
		return result{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return result{t: r.t, status: resp.StatusCode, header: resp.Header, body: data}, err
}

func (r *remote) get(path string) result {
	r.t.Helper()
	return r.do(http.MethodGet, path, nil)
}

func (r *remote) post(path string, body any) result {
	r.t.Helper()
	data, err := json.Marshal(body)
	require.NoError(r.t, err)
	return r.do(http.MethodPost, path, data)
}

// into decodes a 200.
func (r result) into(v any) {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.status, "%s", r.body)
	require.NoError(r.t, json.Unmarshal(r.body, v), "%s", r.body)
}

// fails requires an error reply.
func (r result) fails(status int, code string) {
	r.t.Helper()
	var e struct{ Code, Message, RequestID string }
	require.Equal(r.t, status, r.status, "%s", r.body)
	require.NoError(r.t, json.Unmarshal(r.body, &e), "%s", r.body)
	require.Equal(r.t, code, e.Code)
	require.NotEmpty(r.t, e.Message)
	require.NotEmpty(r.t, e.RequestID)
}

func membersPath(id string, query url.Values) string {
	return "/v1.0/conference/videoConferences/" + id + "/members?" + query.Encode()
}

// pages reads a whole member list and returns its rows and the number of its pages.
func (r *remote) pages(id string, maxResults int) (rows []memberModel, pages int) {
	r.t.Helper()
	token := "0"
	for {
		query := url.Values{"nextToken": {token}}
		if maxResults > 0 {
			query.Set("maxResults", fmt.Sprint(maxResults))
		}
		var page memberPage
		r.get(membersPath(id, query)).into(&page)
		rows = append(rows, page.MemberModels...)
		pages++
		if page.NextToken == nil || *page.NextToken == "" {
			require.Len(r.t, rows, page.TotalCount)
			return rows, pages
		}
		require.Greater(r.t, 10_000, pages)
		token = *page.NextToken
	}
}

// list prints the rows of a meeting's list without HTTP: "nick status join leave", times in seconds
// after the epoch.
func list(s *Simulator, id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, _ := s.meetings.Find(id)
	m.Advance(s.millis())
	out := []string{}
	for _, row := range m.Rows() {
		out = append(out, fmt.Sprintf("%s %d %s %s", m.Person(row.Person).Nick, row.Status, offset(row.Join), offset(row.Leave)))
	}
	return out
}

func offset(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3f", float64(ms-epoch)/1000), ".000")
}
