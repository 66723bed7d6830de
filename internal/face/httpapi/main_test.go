package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/poller"
)

func TestMain(m *testing.M) { leak.Main(m) }

// fakeMeetings are meetings that do what a test wants.
type fakeMeetings struct {
	watch    func(ctx context.Context, id, title string) (bool, error)
	unwatch  func(ctx context.Context, id string) error
	meeting  func(id string) (peers.Meeting, *diff.State, error)
	meetings func() ([]peers.Meeting, error)
	stored   func(id string) (*diff.State, error)
}

var _ Meetings = (*fakeMeetings)(nil)

func (f *fakeMeetings) Watch(ctx context.Context, id, title string) (bool, error) {
	return f.watch(ctx, id, title)
}

func (f *fakeMeetings) Unwatch(ctx context.Context, id string) error { return f.unwatch(ctx, id) }

func (f *fakeMeetings) Meeting(_ context.Context, id string) (peers.Meeting, *diff.State, error) {
	return f.meeting(id)
}

func (f *fakeMeetings) Stored(_ context.Context, id string) (*diff.State, error) {
	if f.stored == nil {
		return nil, nil
	}
	return f.stored(id)
}

func (f *fakeMeetings) Meetings(context.Context) ([]peers.Meeting, error) { return f.meetings() }

// table is a small set of watched meetings.
func table(states ...*diff.State) *fakeMeetings {
	watched := map[string]*diff.State{}
	var order []string
	for _, s := range states {
		watched[s.ConferenceID] = s
		order = append(order, s.ConferenceID)
	}
	status := func(s *diff.State) peers.Meeting {
		m := peers.Meeting{Status: poller.StatusOf(s), Owner: "here-1"}
		m.LastLook = time.Time{} // there was none yet
		return m
	}
	f := &fakeMeetings{}
	f.watch = func(_ context.Context, id, title string) (bool, error) {
		if watched[id] != nil {
			return false, nil
		}
		s := diff.New(id)
		s.Title = title
		watched[id] = s
		order = append(order, id)
		return true, nil
	}
	f.unwatch = func(_ context.Context, id string) error {
		if watched[id] == nil {
			return poller.ErrNotWatched
		}
		delete(watched, id)
		return nil
	}
	f.meeting = func(id string) (peers.Meeting, *diff.State, error) {
		if s := watched[id]; s != nil {
			return status(s), s, nil
		}
		return peers.Meeting{}, nil, poller.ErrNotWatched
	}
	f.meetings = func() ([]peers.Meeting, error) {
		var out []peers.Meeting
		for _, id := range order {
			if s := watched[id]; s != nil {
				out = append(out, status(s))
			}
		}
		return out, nil
	}
	return f
}

// state is a meeting whose list shows the rows.
func state(t *testing.T, id, title string, rows ...diff.Row) *diff.State {
	t.Helper()
	s := diff.New(id)
	s.Title = title
	at := int64(1_700_000_600_000)
	return diff.Compare(s, diff.Snapshot{Rows: rows, From: at, At: at, Via: events.ViaPoll}).State
}

const joined = int64(1_700_000_000_000)

func present(unionID, nick string) diff.Row {
	return diff.Row{UnionID: unionID, UserNick: nick, Status: diff.StatusActive, JoinTime: joined}
}

// memory keeps sessions for tests.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
	err  error // that every request fails with
}

var _ access.Store = (*memory)(nil)

func (m *memory) Put(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string][]byte{}
	}
	m.kept[key] = value
	return m.err
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.kept[key]
	if !ok {
		return nil, cmp.Or(m.err, access.ErrNoSession)
	}
	return value, m.err
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, key)
	return m.err
}

// withToken lets in who has a token that may do everything; everybody nearby when it is empty.
func withToken(t *testing.T, token string) *access.Access {
	t.Helper()
	return withKeys(t, token, "", &memory{})
}

func withKeys(t *testing.T, token, file string, store access.Store) *access.Access {
	t.Helper()
	keys, err := access.OpenKeys(token, file, "")
	require.NoError(t, err)
	return &access.Access{Keys: keys, Sessions: access.Sessions{Life: time.Hour, Store: store, Keys: keys}}
}

// request asks as a client on this machine does, unless change says otherwise.
func request(t *testing.T, opts Options, method, target, body string, change ...func(*http.Request)) *http.Response {
	t.Helper()
	if opts.Reports == nil {
		opts.Reports = &fakeReports{err: report.ErrNoEvents}
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, target, reader)
	r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:50000"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	Handler(opts).ServeHTTP(w, r)
	resp := w.Result()
	conforms(t, r, resp)
	return resp
}

// problemOf requires an error as the API writes it, and returns its detail.
func problemOf(t *testing.T, resp *http.Response, status int) string {
	t.Helper()
	assert.Equal(t, status, resp.StatusCode)
	assert.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	var body problem.Body
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
	assert.Equal(t, status, body.Status)
	assert.Equal(t, "about:blank", body.Type)
	assert.Equal(t, http.StatusText(status), body.Title)
	assert.NotEmpty(t, body.Detail)
	return body.Detail
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(data)
}

func jsonOf[T any](t *testing.T, resp *http.Response, status int) T {
	t.Helper()
	require.Equal(t, status, resp.StatusCode)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	var body T
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
	return body
}
