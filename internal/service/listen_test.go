package service

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

// listener reads /v1/events, as a program does that comes back by itself.
type listener struct {
	stop func()

	mu   sync.Mutex
	told []string // "joined Ann", in the order they came
	id   string   // the last that came
}

// listen reads from a place on, or from now on.
func listen(t *testing.T, r *running, after string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/v1/events?type=conference.member.*", nil)
	require.NoError(t, err)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	var resp *http.Response
	require.Eventually(t, func() bool { // it is not ready at once
		resp, err = http.DefaultClient.Do(req)
		require.NoError(t, err)
		if resp.StatusCode != http.StatusOK {
			_ = resp.Body.Close()
		}
		return resp.StatusCode == http.StatusOK
	}, patience, 5*time.Millisecond)
	l := &listener{}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			l.take(t, lines.Text())
		}
	})
	l.stop = sync.OnceFunc(func() {
		cancel()
		_ = resp.Body.Close()
		reading.Wait()
	})
	t.Cleanup(l.stop)
	require.Eventually(t, func() bool { return l.place() != "" }, patience, time.Millisecond)
	return l
}

func (l *listener) take(t *testing.T, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id, ok := strings.CutPrefix(line, "id: "); ok {
		l.id = id
	}
	data, ok := strings.CutPrefix(line, "data: ")
	if !ok || data == "{}" { // which is the position
		return
	}
	e, err := events.Decode([]byte(data))
	if assert.NoError(t, err) {
		l.told = append(l.told, strings.TrimPrefix(string(e.Type), "conference.member.")+" "+e.Member.UserNick)
	}
}

func (l *listener) place() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

// hears waits until exactly that was told.
func (l *listener) hears(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	assert.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		got = append([]string{}, l.told...)
		return len(got) >= len(want)
	}, patience, 5*time.Millisecond)
	require.Equal(t, want, got)
}

// TestWhoListensWhileTheStreamIsDeleted is told everything once, and who comes back with a place of
// the stream that is gone is told everything of the new one.
func TestWhoListensWhileTheStreamIsDeleted(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	natsURL := r.ready()
	l := listen(t, r, "")
	watchOffice(t, r, sim)
	l.hears(t, "joined Ann", "joined Bob")
	old := l.place()

	require.NoError(t, operator(t, natsURL).DeleteStream(t.Context(), events.Stream))
	do(t, sim, join("gus"))
	l.hears(t, "joined Ann", "joined Bob", "joined Gus")
	do(t, sim, leave("bob"))
	l.hears(t, "joined Ann", "joined Bob", "joined Gus", "left Bob")
	back := listen(t, r, old)
	back.hears(t, "joined Ann", "joined Bob", "joined Gus", "left Bob")
	again := listen(t, r, l.place())
	do(t, sim, leave("gus"))
	again.hears(t, "left Gus")
	l.hears(t, "joined Ann", "joined Bob", "joined Gus", "left Bob", "left Gus")
}

// TestTheStreamIsRestored from a backup while the service runs, before that makes the stream again:
// what was stored since the backup is stored again, once, and everybody who listens is told
// everything once.
func TestTheStreamIsRestored(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	natsURL := r.ready()
	js := operator(t, natsURL)
	l := listen(t, r, "")
	status, body := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status, body)
	l.hears(t, "joined Ann")
	backup := natstest.TakeBackup(t, js.Conn())
	do(t, sim, join("bob"))
	l.hears(t, "joined Ann", "joined Bob")
	old := l.place()
	before := ids(t, natsURL)

	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	backup.Restore(t, js.Conn())
	require.Eventually(t, func() bool { return len(ids(t, natsURL)) == len(before) }, patience, 20*time.Millisecond)
	assert.Equal(t, before, ids(t, natsURL))
	do(t, sim, join("gus"))
	l.hears(t, "joined Ann", "joined Bob", "joined Gus")
	back := listen(t, r, old)
	do(t, sim, leave("gus"))
	back.hears(t, "joined Bob", "joined Gus", "left Gus")
	l.hears(t, "joined Ann", "joined Bob", "joined Gus", "left Gus")
	lived(t, natsURL, "office", "started", "gap store_lost", "gap store_lost is over")
	assert.NotContains(t, r.log.String(), "made again")
}

// TestARestoreThatComesTooLate is refused by the servers, as Rollcall has made the stream again,
// and does no harm. With the service stopped it is not, and what was stored since the backup is
// stored again when that starts.
func TestARestoreThatComesTooLate(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	s := external(settings(t, api), broker(t, nil).Addr().String())
	r := start(t, s)
	natsURL := r.ready()
	js := operator(t, natsURL)
	status, body := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status, body)
	tells(t, natsURL, "1 joined Ann")
	backup := natstest.TakeBackup(t, js.Conn())
	do(t, sim, join("bob"))
	tells(t, natsURL, "1 joined Ann", "2 joined Bob")
	before := ids(t, natsURL)

	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	r.eventually("/readyz?verbose", http.StatusOK, "store_lost")
	tells(t, natsURL, "3 joined Ann", "4 joined Bob")
	require.ErrorContains(t, backup.RestoreError(t, js.Conn()), "already in use")
	assert.Equal(t, before, ids(t, natsURL))

	require.NoError(t, r.stop())
	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	backup.Restore(t, js.Conn())
	s.HTTP.Listen = freeAddress(t)
	start(t, s).ready()
	tells(t, natsURL, "1 joined Ann", "2 joined Bob")
	assert.Equal(t, before, ids(t, natsURL))
}
