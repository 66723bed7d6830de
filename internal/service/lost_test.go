package service

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/publisher"
)

// operator is somebody with the nats command.
func operator(t *testing.T, natsURL string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(natsURL)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

func purge(t *testing.T, js jetstream.JetStream, opts ...jetstream.StreamPurgeOpt) {
	t.Helper()
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.NoError(t, st.Purge(t.Context(), opts...))
}

// tells waits until these member events are stored, and no others.
func tells(t *testing.T, natsURL string, want ...string) {
	t.Helper()
	var got []string
	assert.Eventually(t, func() bool {
		got = told(t, natsURL)
		return len(got) >= len(want)
	}, patience, 20*time.Millisecond)
	require.Equal(t, want, got)
}

// lives are the events of a meeting itself, such as "started" and "gap store_lost", and whether a
// gap is over.
func lives(t *testing.T, natsURL, id string) []string {
	t.Helper()
	var out []string
	list, _ := stored(t, natsURL)
	for _, e := range list {
		switch {
		case e.ConferenceID() != id || e.Member != nil:
		case e.Gap != nil && e.Gap.To > 0:
			out = append(out, "gap "+e.Gap.Reason+" is over")
		case e.Gap != nil:
			out = append(out, "gap "+e.Gap.Reason)
		default:
			out = append(out, strings.TrimPrefix(string(e.Type), "conference.meeting."))
		}
	}
	return out
}

// lived waits until these events of a meeting itself are stored, and no others.
func lived(t *testing.T, natsURL, id string, want ...string) {
	t.Helper()
	var got []string
	assert.Eventually(t, func() bool {
		got = lives(t, natsURL, id)
		return len(got) >= len(want)
	}, patience/4, 20*time.Millisecond)
	require.Equal(t, want, got)
}

// ids are the ids of the stored member events.
func ids(t *testing.T, natsURL string) map[string]int {
	t.Helper()
	out := map[string]int{}
	list, _ := stored(t, natsURL)
	for _, e := range list {
		if e.Member != nil {
			out[e.ID]++
		}
	}
	return out
}

// watchOffice watches the office, in which Ann and Bob are, until both are announced.
func watchOffice(t *testing.T, r *running, sim *simulator.Simulator) {
	t.Helper()
	status, body := r.do(http.MethodPut, "/v1/meetings/office", `{"title": "Ours"}`)
	require.Equal(t, http.StatusCreated, status, body)
	do(t, sim, join("bob"))
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":2`)
}

func TestTheStreamIsDeleted(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	s := external(settings(t, api), broker(t, nil).Addr().String())
	both := replicas(t, s, 2)
	r, natsURL := both[0], both[0].nats
	watchOffice(t, r, sim)
	before := ids(t, natsURL)

	require.NoError(t, operator(t, natsURL).DeleteStream(t.Context(), events.Stream))
	do(t, sim, join("gus"))
	r.eventually("/readyz?verbose", http.StatusOK, "store_lost")
	tells(t, natsURL, "3 joined Ann", "4 joined Bob", "5 joined Gus")
	after := ids(t, natsURL)
	for id := range before {
		assert.Equal(t, 1, after[id], "the same events have the same ids")
	}
	do(t, sim, leave("bob"))
	tells(t, natsURL, "3 joined Ann", "4 joined Bob", "5 joined Gus", "6 left Bob")
	lived(t, natsURL, "office", "started", "gap store_lost", "gap store_lost is over")
	assert.True(t, chainOf(t, natsURL, "office")[0].Meeting.Restarted)
	assert.Equal(t, "Ours", r.meeting("office").Title)
	for _, r := range both {
		assert.LessOrEqual(t, strings.Count(r.log.String(), "made again"), 1)
		assert.NotContains(t, r.log.String(), "not watched any more")
	}
}

func TestTheStreamIsPurged(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	natsURL := r.ready()
	watchOffice(t, r, sim)
	before := ids(t, natsURL)

	js := operator(t, natsURL)
	purge(t, js)
	body := r.eventually("/readyz?verbose", http.StatusOK, "store_lost")
	assert.Contains(t, body, "degraded")
	lived(t, natsURL, "office", "started", "gap store_lost")
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	assert.Equal(t, http.StatusOK, status, "it is watched all the time")
	do(t, sim, join("gus"))
	r.eventually("/v1/meetings/office", http.StatusOK, "remembers their ids")
	status, body = r.do(http.MethodGet, "/readyz", "")
	assert.Equal(t, http.StatusOK, status, body)
	natstest.ForgetIDs(t, js)
	tells(t, natsURL, "3 joined Ann", "4 joined Bob", "5 joined Gus")
	after := ids(t, natsURL)
	for id := range before {
		assert.Equal(t, 1, after[id])
	}
	lived(t, natsURL, "office", "started", "gap store_lost", "gap store_lost is over")
	assert.True(t, chainOf(t, natsURL, "office")[0].Meeting.Restarted)
	assert.Equal(t, 1, strings.Count(r.log.String(), `"what":"stored events"`), "it is said once")
}

// TestAStateIsPurged: the events are there, and nothing is stored twice, whether something happens
// or not.
func TestAStateIsPurged(t *testing.T) {
	t.Parallel()
	for _, quiet := range []bool{false, true} {
		t.Run(fmt.Sprint("quiet ", quiet), func(t *testing.T) {
			t.Parallel()
			sim, api := simulate(t, office)
			r := start(t, settings(t, api))
			natsURL := r.ready()
			watchOffice(t, r, sim)

			js := operator(t, natsURL)
			purge(t, js, jetstream.WithPurgeSubject("rollcall.state.*.office"))
			if quiet {
				require.Eventually(t, func() bool {
					st, err := js.Stream(t.Context(), events.Stream)
					require.NoError(t, err)
					_, err = st.GetLastMsgForSubject(t.Context(), publisher.StateSubject("office"))
					return err == nil
				}, patience, 20*time.Millisecond)
			}
			do(t, sim, join("gus"))
			tells(t, natsURL, "1 joined Ann", "2 joined Bob", "3 joined Gus")
			lived(t, natsURL, "office", "started", "gap store_lost", "gap store_lost is over")
			assert.False(t, chainOf(t, natsURL, "office")[0].Meeting.Restarted, "its events are there")
			assert.Equal(t, "Ours", r.meeting("office").Title)
		})
	}
}

// TestTheEventsArePurged and the states are there: nothing is announced that was announced.
func TestTheEventsArePurged(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	natsURL := r.ready()
	watchOffice(t, r, sim)
	purge(t, operator(t, natsURL), jetstream.WithPurgeSubject("conference.>"))
	do(t, sim, leave("bob"))
	tells(t, natsURL, "3 left Bob")
}

// TestThePastIsPurged by an operator who keeps the newest messages, among them no state.
func TestThePastIsPurged(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	natsURL := r.ready()
	watchOffice(t, r, sim)
	js := operator(t, natsURL)
	require.Eventually(t, func() bool { // a heartbeat of ours is what is kept
		st, err := js.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		msg, err := st.GetMsg(t.Context(), st.CachedInfo().State.LastSeq)
		return err == nil && !strings.HasPrefix(msg.Subject, "rollcall.state")
	}, patience, 20*time.Millisecond)
	purge(t, js, jetstream.WithPurgeKeep(1))
	r.eventually("/readyz?verbose", http.StatusOK, "store_lost")
	natstest.ForgetIDs(t, js)
	tells(t, natsURL, "3 joined Ann", "4 joined Bob")
}

// machine is a NATS server whose files can be copied while it is stopped.
type machine struct {
	t    *testing.T
	opts server.Options
	srv  *server.Server
}

func (m *machine) start() {
	m.t.Helper()
	opts := m.opts
	var err error
	m.srv, err = server.NewServer(&opts)
	require.NoError(m.t, err)
	m.srv.Start()
	require.True(m.t, m.srv.ReadyForConnections(patience))
	m.opts.Port = m.srv.Addr().(*net.TCPAddr).Port
}

func (m *machine) stop() {
	m.srv.Shutdown()
	m.srv.WaitForShutdown()
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	}}
	m.start()
	t.Cleanup(func() { m.stop() })
	return m
}

// TestTheServerIsRestoredFromABackup while the service runs: what was stored since the copy is
// announced again, once, and a meeting that is watched since then stays watched.
func TestTheServerIsRestoredFromABackup(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, `{meetings: [{id: office, unlisted: true, people: [
		{id: ann, nick: Ann, visits: [{from: 0s}]}, {id: bob, nick: Bob}, {id: gus, nick: Gus}]},
		{id: later, unlisted: true, people: [{id: eve, nick: Eve, visits: [{from: 0s}]}]}]}`)
	m := newMachine(t)
	r := start(t, external(settings(t, api), m.srv.Addr().String()))
	natsURL := r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
	m.stop()
	backup := t.TempDir()
	require.NoError(t, os.CopyFS(backup, os.DirFS(m.opts.StoreDir)))
	m.start()
	status = 0
	require.Eventually(t, func() bool {
		status, _ = r.do(http.MethodPut, "/v1/meetings/later", "")
		return status == http.StatusCreated || status == http.StatusOK
	}, patience, 20*time.Millisecond)
	do(t, sim, join("bob"), join("gus"))
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":3`)
	r.eventually("/v1/meetings/later", http.StatusOK, `"activeCount":1`)
	before := ids(t, natsURL)
	require.Len(t, before, 4)

	m.stop()
	require.NoError(t, os.RemoveAll(m.opts.StoreDir))
	require.NoError(t, os.CopyFS(m.opts.StoreDir, os.DirFS(backup)))
	m.start()
	require.Eventually(t, func() bool { return len(ids(t, natsURL)) == len(before) }, patience, 20*time.Millisecond)
	r.eventually("/readyz?verbose", http.StatusOK, "store_lost")
	after := ids(t, natsURL)
	assert.Equal(t, before, after)
	for _, id := range []string{"office", "later"} {
		lived(t, natsURL, id, "started", "gap store_lost", "gap store_lost is over")
	}
	do(t, sim, leave("gus"))
	require.Eventually(t, func() bool { return len(ids(t, natsURL)) == len(before)+1 }, patience, 20*time.Millisecond)
	assert.Len(t, r.lists(), 2)
}
