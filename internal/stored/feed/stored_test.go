package feed

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/publisher"
)

// office is a real stream, and meetings in which people join.
type office struct {
	t   *testing.T
	js  jetstream.JetStream
	pub *publisher.Publisher
}

func newOffice(t *testing.T) *office {
	t.Helper()
	srv, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	nc, err := nats.Connect(srv.ClientURL(), nats.ReconnectBufSize(-1))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	pub, err := publisher.Open(t.Context(), nc, publisher.Options{CorpID: "corp", Replicas: 1})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return &office{t, js, pub}
}

// joins lets somebody join a meeting.
func (o *office) joins(meeting, unionID string, at int64) {
	o.t.Helper()
	base, err := o.pub.Load(o.t.Context(), meeting)
	require.NoError(o.t, err)
	_, _, err = o.pub.Update(o.t.Context(), base, diff.Snapshot{
		Kind: diff.Partial, From: at, At: at, Via: events.ViaPush,
		Rows: []diff.Row{{UnionID: unionID, Status: diff.StatusActive, JoinTime: at}},
	})
	require.NoError(o.t, err)
}

// history reads events as "meeting person" and their sequences.
func history(t *testing.T, s Stream, filter Filter, after, until uint64) (told []string, sequences []uint64) {
	t.Helper()
	require.NoError(t, s.History(t.Context(), filter, after, until, func(e Event) error {
		decoded, err := events.Decode(e.Payload)
		require.NoError(t, err)
		assert.Equal(t, decoded.ConferenceID(), e.Meeting)
		assert.Equal(t, decoded.Type, e.Type)
		told = append(told, e.Meeting+" "+decoded.Subject)
		sequences = append(sequences, e.Sequence)
		return nil
	}))
	return told, sequences
}

func TestTheStreamInNATS(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := Stored(o.js, nil)
	o.joins("a", "u1", 1_000_000)
	o.joins("b", "u2", 1_001_000)
	last, err := s.Last(t.Context())
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	live, began := make(chan Event, 10), make(chan uint64, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, func(after uint64) { began <- after }, func(e Event) error { live <- e; return nil })
	}()
	assert.Equal(t, last, <-began)
	o.joins("a", "u3", 1_002_000)
	e := <-live
	assert.Equal(t, "a", e.Meeting)
	assert.Equal(t, events.Joined, e.Type)
	cancel()
	require.NoError(t, <-ended)

	all, sequences := history(t, s, Filter{}, 0, e.Sequence)
	assert.Equal(t, []string{"a u1", "b u2", "a u3"}, all)
	assert.Equal(t, e.Sequence, sequences[2])
	one, same := history(t, s, Filter{Meeting: "a"}, 0, e.Sequence)
	assert.Equal(t, []string{"a u1", "a u3"}, one)
	assert.Equal(t, []uint64{sequences[0], sequences[2]}, same, "an event has one sequence, however it is read")

	// Every place to go on from.
	for after := range e.Sequence + 1 {
		for _, meeting := range []string{"", "a"} {
			want := 0
			for i, told := range all {
				if sequences[i] > after && (meeting == "" || told[0] == 'a') {
					want++
				}
			}
			_, got := history(t, s, Filter{Meeting: meeting}, after, e.Sequence)
			assert.Len(t, got, want, "%q after %d", meeting, after)
		}
	}
	_, got := history(t, s, Filter{Meeting: "a"}, 0, sequences[2]-1)
	assert.Equal(t, sequences[:1], got, "no further than asked for")
	assert.ErrorIs(t, s.History(t.Context(), Filter{}, 0, 100, func(Event) error { return assert.AnError }), assert.AnError)
	stopped, stop := context.WithCancel(t.Context())
	assert.ErrorIs(t, s.History(stopped, Filter{}, 0, 100, func(Event) error { stop(); return nil }), context.Canceled)
}

// What somebody put among the events, and is none, is handed on to nobody.
func TestWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := Stored(o.js, nil)
	ctx, cancel := context.WithCancel(t.Context())
	live, began := make(chan Event, 10), make(chan uint64, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, func(after uint64) { began <- after }, func(e Event) error { live <- e; return nil })
	}()
	after := <-began
	for _, junk := range []string{"", "{}", "data\rid: 1-1\r\r", `{"specversion": "1.0"`} {
		_, err := o.js.Publish(t.Context(), "rollcall.in."+string(events.Joined), []byte(junk))
		require.NoError(t, err)
	}
	o.joins("a", "u1", 1_000_000)
	e := <-live
	assert.Equal(t, "a", e.Meeting, "the first that is handed on")
	told, _ := history(t, s, Filter{Types: []events.Type{events.Joined}}, after, e.Sequence)
	assert.Equal(t, []string{"a u1"}, told)
	cancel()
	require.NoError(t, <-ended)
}
