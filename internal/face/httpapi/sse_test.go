package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/feed"
)

const waiting = 30 * time.Second

// tape is a stream whose events a test makes. Its history is all of them.
type tape struct {
	mu      sync.Mutex
	list    []feed.Event
	changed chan struct{}
}

func (s *tape) put(t testing.TB, meeting, nick string) {
	t.Helper()
	s.putType(t, events.Joined, meeting, nick)
}

func (s *tape) putType(t testing.TB, kind events.Type, meeting, nick string) {
	t.Helper()
	at := time.UnixMilli(joined)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := uint64(len(s.list) + 1)
	text, err := events.Encode(events.Event{
		ID: "5a4aa9ec-2a3f-5c8f-8d0f-6c7e2a3f4b1d", Source: events.Source("corp", meeting), Type: kind, Subject: "ann",
		Time: at, RecordedTime: at, Sequence: n, Member: &events.Member{ConferenceID: meeting, UnionID: "ann", UserNick: nick},
	})
	require.NoError(t, err)
	s.list = append(s.list, feed.Event{Sequence: n, Meeting: meeting, Type: kind, Payload: text})
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *tape) Last(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.list)), nil
}

func (s *tape) Follow(ctx context.Context, began func(after uint64), each func(feed.Event) error) error {
	after, _ := s.Last(ctx)
	began(after)
	for {
		s.mu.Lock()
		found, changed := s.list[after:], s.changed
		s.mu.Unlock()
		for _, e := range found {
			if err := each(e); err != nil {
				return err
			}
			after = e.Sequence
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *tape) History(_ context.Context, _ feed.Filter, after, until uint64, each func(feed.Event) error) error {
	s.mu.Lock()
	found := s.list[after:until]
	s.mu.Unlock()
	for _, e := range found {
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

// broadcast is a server that sends the events of a tape.
type broadcast struct {
	tape
	t    testing.TB
	base string
	stop context.CancelFunc
	done chan error
}

func broadcasting(t testing.TB, before int, p patience) *broadcast {
	t.Helper()
	b := &broadcast{tape: tape{changed: make(chan struct{})}, t: t, done: make(chan error, 2)}
	for i := range before {
		b.put(t, "old", fmt.Sprint(i))
	}
	f := feed.New(feed.Options{Stream: &b.tape})
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b.base = "http://" + ln.Addr().String()
	go func() { b.done <- f.Run(ctx) }()
	go func() { b.done <- Serve(ctx, ln, Options{Meetings: table(), Events: f, patience: p}) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			assert.NoError(t, <-b.done)
		}
	})
	require.Eventually(t, func() bool {
		r, err := f.Subscribe(feed.Filter{})
		if err == nil {
			r.Close()
		}
		return err == nil
	}, waiting, time.Millisecond)
	return b
}

// listener is a client of /v1/events.
type listener struct {
	t     testing.TB
	resp  *http.Response
	lines *bufio.Scanner
	first string // the id that reading begins at
}

func (b *broadcast) listen(path, after string) *listener {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+path, nil)
	require.NoError(b.t, err)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	transport := &http.Transport{}
	resp, err := transport.RoundTrip(req)
	require.NoError(b.t, err)
	b.t.Cleanup(func() {
		_ = resp.Body.Close()
		transport.CloseIdleConnections()
	})
	require.Equal(b.t, http.StatusOK, resp.StatusCode)
	assert.Equal(b.t, "text/event-stream", resp.Header.Get("Content-Type"))
	l := &listener{t: b.t, resp: resp, lines: bufio.NewScanner(resp.Body)}
	l.lines.Buffer(nil, 128<<10)
	assert.Equal(b.t, "retry: 1000", l.line())
	l.first, _ = strings.CutPrefix(l.line(), "id: ")
	assert.Equal(b.t, "event: position", l.line())
	assert.Equal(b.t, "data: {}", l.line())
	assert.Empty(b.t, l.line())
	return l
}

func (l *listener) line() string {
	if !l.lines.Scan() {
		assert.Fail(l.t, "the answer has ended")
	}
	return l.lines.Text()
}

// next returns the next event and its id.
func (l *listener) next() (id string, e events.Event) {
	line := l.line()
	for strings.HasPrefix(line, ":") {
		assert.Empty(l.t, l.line())
		line = l.line()
	}
	id, ok := strings.CutPrefix(line, "id: ")
	assert.True(l.t, ok, line)
	data, ok := strings.CutPrefix(l.line(), "data: ")
	assert.True(l.t, ok)
	assert.Empty(l.t, l.line())
	e, err := events.Decode([]byte(data))
	assert.NoError(l.t, err)
	return id, e
}

func TestEventsAsTheyAreStored(t *testing.T) {
	b := broadcasting(t, 2, patience{})
	all, one, again := b.listen("/v1/events", ""), b.listen("/v1/events?meeting=b", ""), b.listen("/v1/events", "1")
	b.put(t, "a", "Ann\nB")
	b.put(t, "b", "Bob")
	for _, want := range []string{"3", "4"} {
		id, e := all.next()
		assert.Equal(t, want, id)
		assert.Equal(t, want, fmt.Sprint(e.Sequence))
	}
	id, e := one.next()
	assert.Equal(t, "4", id)
	assert.Equal(t, "Bob", e.Member.UserNick)
	for _, want := range []string{"2", "3", "4"} {
		id, _ := again.next()
		assert.Equal(t, want, id)
	}
}

// A reader that is cut off before there was an event comes back to where reading began.
func TestWhereReadingBegins(t *testing.T) {
	b := broadcasting(t, 2, patience{})
	quiet := b.listen("/v1/events", "")
	assert.Equal(t, "2", quiet.first)
	require.NoError(t, quiet.resp.Body.Close())
	b.put(t, "a", "Ann")
	again := b.listen("/v1/events", quiet.first)
	assert.Equal(t, "2", again.first)
	id, _ := again.next()
	assert.Equal(t, "3", id)
	assert.Equal(t, "1", b.listen("/v1/events", "1").first)
}

func TestAQuietConnectionIsKeptAlive(t *testing.T) {
	b := broadcasting(t, 0, patience{heartbeat: time.Millisecond})
	l := b.listen("/v1/events", "")
	assert.Equal(t, ": heartbeat", l.line())
	assert.Empty(t, l.line())
	b.put(t, "a", "Ann")
	id, _ := l.next()
	assert.Equal(t, "1", id)
}

// One reader who takes nothing any more is cut off, and the others see everything. One of those who
// is cut off, too, as the machine is slow, comes back as a browser does.
func TestAStalledReader(t *testing.T) {
	b := broadcasting(t, 0, patience{stall: 200 * time.Millisecond})
	stalled := b.listen("/v1/events", "")
	const many = 1500 // each event is large: together they are more than the buffers on the way take, which may be 36 MB
	nick := strings.Repeat("x", 32<<10)
	var all sync.WaitGroup
	for range 10 {
		l := b.listen("/v1/events", "")
		all.Go(func() { b.hears(l, many) })
	}
	for range many {
		b.put(t, "a", nick)
	}
	all.Wait()
	for stalled.lines.Scan() {
		continue // what was under way
	}
	require.Error(t, stalled.lines.Err(), "cut off in the middle")
}

// hears reads n events from the first on, and comes back after the last one when it is cut off.
func (b *broadcast) hears(l *listener, n int) {
	for heard := 0; heard < n; {
		if !l.lines.Scan() {
			l = b.listen("/v1/events", fmt.Sprint(heard))
			continue
		}
		if id, ok := strings.CutPrefix(l.lines.Text(), "id: "); ok {
			if !assert.Equal(b.t, fmt.Sprint(heard+1), id) {
				return
			}
			if l.lines.Scan() && strings.HasSuffix(l.lines.Text(), "}") { // all of it has come
				heard++
			}
		}
	}
}

func TestEventsOfSomeTypes(t *testing.T) {
	b := broadcasting(t, 0, patience{})
	var all []*listener
	queries := map[string]string{
		"type=left": "2", "type=kicked,joined": "13", "type=kicked&type=joined": "13", "type=conference.member.left&meeting=b": "",
		"type=conference.member.*": "123", "type=": "123", "type=conference.member.kicked&type=&meeting=b": "3",
	}
	for query := range queries {
		all = append(all, b.listen("/v1/events?"+query, ""))
	}
	b.putType(t, events.Joined, "a", "Ann")
	b.putType(t, events.Left, "a", "Ann")
	b.putType(t, events.Kicked, "b", "Bob")
	for _, l := range all {
		query := l.resp.Request.URL.RawQuery
		got := ""
		for len(got) < len(queries[query]) {
			id, _ := l.next()
			got += id
		}
		assert.Equal(t, queries[query], got, query)
	}
}

func TestBadRequestsForEvents(t *testing.T) {
	b := broadcasting(t, 0, patience{})
	get := func(path string, change func(*http.Request)) *http.Response {
		opts := Options{Meetings: table(), Events: feed.New(feed.Options{Stream: &b.tape})}
		return request(t, opts, http.MethodGet, path, "", change)
	}
	same := func(*http.Request) {}
	assert.Contains(t, problemOf(t, get("/v1/events?meeting=a.b", same), http.StatusBadRequest), "meeting: ")
	for _, query := range []string{"type=waved", "type=conference.member.waved", "type=joined&type=waved", "type=left,waved", "meeting=a&type=waved"} {
		assert.Regexp(t, `^type: .*waved" is none of joined`, problemOf(t, get("/v1/events?"+query, same), http.StatusBadRequest))
	}
	assert.Contains(t, problemOf(t, get("/v1/events", func(r *http.Request) {
		r.Header.Set("Last-Event-ID", "-1")
	}), http.StatusBadRequest), `Last-Event-ID: "-1"`)
	problemOf(t, get("/v1/events", same), http.StatusServiceUnavailable) // nobody runs that feed
	problemOf(t, request(t, Options{Meetings: table()}, http.MethodGet, "/v1/events", ""), http.StatusServiceUnavailable)
	problemOf(t, get("/v1/events", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }), http.StatusForbidden)

	resp, err := http.Head(b.base + "/v1/events")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	http.DefaultClient.CloseIdleConnections()
}

// A server that stops does not wait for readers, who never go by themselves.
func TestReadersWhenTheServerStops(t *testing.T) {
	b := broadcasting(t, 0, patience{})
	l := b.listen("/v1/events", "")
	b.stop()
	assert.False(t, l.lines.Scan())
	require.NoError(t, l.lines.Err(), "the answer has an orderly end")
}
