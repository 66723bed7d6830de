package streamtest

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/publisher"
)

// Begin is the time of the first thing a [Recorder] makes happen, in Unix milliseconds.
const Begin int64 = 1_700_000_000_000

// Recorder stores events as the service does.
type Recorder struct {
	// Conn is its connection. It does not go over the network, which may be the one that is
	// interrupted.
	Conn *nats.Conn
	// Joined is how many people [Recorder.Join] made join.
	Joined int

	// Publisher is what it stores with.
	Publisher *publisher.Publisher

	server *Server
	stop   func()
}

// Record opens the stream and returns a recorder, which stops at the end of the test or with
// [Recorder.Stop].
func (s *Server) Record() *Recorder { return s.RecordAs(publisher.Options{}) }

// RecordAs is [Server.Record] with options.
func (s *Server) RecordAs(opts publisher.Options) *Recorder {
	t := s.t
	t.Helper()
	nc, err := conn.Connect(t.Context(), config.NATS{}, conn.Options{Extra: s.server.InProcess()})
	require.NoError(t, err)
	pub, err := publisher.Open(t.Context(), nc, opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pub.Run(ctx) }()
	r := &Recorder{server: s, Conn: nc, Publisher: pub}
	r.stop = func() {
		if cancel != nil {
			cancel()
			cancel = nil
			assert.NoError(t, <-ended)
			nc.Close()
		}
	}
	t.Cleanup(r.stop)
	return r
}

// Stop closes the recorder, as has to be done before its server stops.
func (r *Recorder) Stop() { r.stop() }

// Commit stores what change makes of a meeting's state.
func (r *Recorder) Commit(meeting string, change func(*diff.State) diff.Result) {
	t := r.server.t
	t.Helper()
	base, err := r.Publisher.Load(t.Context(), meeting)
	require.NoError(t, err)
	_, _, err = r.Publisher.Update(t.Context(), base, intent(change))
	require.NoError(t, err)
}

// intent is an intent that a test makes up.
type intent func(*diff.State) diff.Result

func (f intent) Apply(s *diff.State) diff.Result { return f(s) }
func (f intent) String() string                  { return "a test's" }

// Look stores what a look at a meeting shows: a whole list, at a time in Unix milliseconds.
func (r *Recorder) Look(meeting string, at int64, rows ...diff.Row) {
	r.server.t.Helper()
	r.Commit(meeting, func(s *diff.State) diff.Result {
		return diff.Compare(s, diff.Snapshot{Rows: rows, From: at, At: at, Via: events.ViaPoll})
	})
}

// Watch stores that a meeting is watched from a time on, in Unix milliseconds.
func (r *Recorder) Watch(meeting string, at int64, d diff.Description) {
	r.server.t.Helper()
	r.Commit(meeting, func(s *diff.State) diff.Result { return diff.Start{At: at}.Apply(s.Watch(d)) })
}

// End stores that a meeting is over, at a time in Unix milliseconds, by a list that shows it.
func (r *Recorder) End(meeting string, at int64, rows ...diff.Row) {
	r.server.t.Helper()
	r.Commit(meeting, func(s *diff.State) diff.Result {
		over := diff.Compare(s, diff.Snapshot{Rows: rows, From: at, At: at, Via: events.ViaPoll, Over: true, EndTime: at})
		return over.Then(diff.End{At: at, Reason: "ended"}.Apply(over.State))
	})
}

// Join stores that one more person joins a meeting, ten seconds after the last, and returns their
// name.
func (r *Recorder) Join(meeting string) string {
	r.server.t.Helper()
	r.Joined++
	at, name := Begin+int64(r.Joined)*10_000, fmt.Sprintf("p%d", r.Joined)
	r.Commit(meeting, func(s *diff.State) diff.Result {
		var rows []diff.Row
		for p := range s.People() {
			row := diff.Row{UnionID: p.UnionID, UserNick: p.UserNick, Status: diff.StatusActive, JoinTime: p.JoinTime, LeaveTime: p.LeaveTime}
			if !p.Present {
				row.Status = diff.StatusLeft
			}
			rows = append(rows, row)
		}
		rows = append(rows, diff.Row{UnionID: name, UserNick: name, Status: diff.StatusActive, JoinTime: at})
		return diff.Compare(s, diff.Snapshot{Rows: rows, From: at + 1000, At: at + 1000, Via: events.ViaPoll})
	})
	return name
}

// Expire removes, as a replica does, what is stored and has expired a moment later: the meetings that
// are not watched, and of the others what the view by type has.
func (r *Recorder) Expire() {
	t := r.server.t
	t.Helper()
	pub, err := publisher.Open(t.Context(), r.Conn, publisher.Options{Retention: time.Second})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pub.Run(ctx) }()
	defer func() { cancel(); assert.NoError(t, <-ended) }()
	js, err := jetstream.New(r.Conn)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := publisher.NewSweeper(pub).Sweep(t.Context())
		require.NoError(t, err)
		st, err := js.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		info, err := st.Info(t.Context(), jetstream.WithSubjectFilter("conference.*.*"))
		require.NoError(t, err)
		return len(info.State.Subjects) == 0
	}, time.Minute, 100*time.Millisecond)
}
