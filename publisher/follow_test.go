package publisher

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// news is what Follow tells.
type news struct {
	meeting  string
	revision uint64
}

// following runs Follow until the test ends or the returned channel of its error yields.
func following(t *testing.T, p *Publisher, after diff.Position) (<-chan news, <-chan error) {
	t.Helper()
	told, ended, done := make(chan news), make(chan error, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		ended <- p.Follow(ctx, after, func(meeting string, at diff.Position) {
			select {
			case told <- news{meeting, at.Sequence}:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return told, ended
}

// TestFollowEndsWithItsConnection and goes on from where it was, on a server that has forgotten the
// consumer.
func TestFollowEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	dir := disk.Fast(t)
	first, addr := startProcess(t, dir)
	p := open(t, connect(t, "nats://"+addr), Options{})
	start, err := p.Position(t.Context())
	require.NoError(t, err)
	told, ended := following(t, p, start)
	a := update(t, p, newRoom("a").join("ann"))
	require.Equal(t, news{"a", a.Revision}, <-told)
	first.Kill()
	require.ErrorIs(t, <-ended, errDisconnected, "at once, not when it is silent for long")

	_, addr = startProcess(t, dir)
	p = open(t, connect(t, "nats://"+addr), Options{})
	b := update(t, p, newRoom("b").join("bob"))
	told, _ = following(t, p, diff.Position{Sequence: a.Revision})
	assert.Equal(t, news{"b", b.Revision}, <-told)
}

// TestReadingEndsWhenNothingIsHeard: in a cluster another server may be the one that reads for us,
// and be gone while the connection is well. Meetings wait meanwhile for somebody to look at them.
func TestReadingEndsWhenNothingIsHeard(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(context.Context, *Publisher) error{
		"Follow": func(ctx context.Context, p *Publisher) error {
			return p.Follow(ctx, diff.Position{}, func(string, diff.Position) {})
		},
		"All": func(ctx context.Context, p *Publisher) error {
			for _, err := range p.All(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _, proxy := behindProxy(t, Options{})
			update(t, p, newRoom("a").join("ann"))
			asked := make(chan time.Time, 1)
			proxy.ToServer(func(data []byte) []byte {
				if bytes.Contains(data, []byte("CONSUMER.MSG.NEXT")) {
					proxy.ToClient(faultproxy.Swallow)
					select {
					case asked <- time.Now():
					default:
					}
				}
				return data
			})
			err := read(t.Context(), p)
			require.ErrorIs(t, err, jetstream.ErrNoHeartbeat)
			assert.Less(t, time.Since(<-asked), 6*time.Second)
		})
	}
}

// TestFollowSaysThatTheStreamBeganAnew: what is known from before is no longer so.
func TestFollowSaysThatTheStreamBeganAnew(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	update(t, p, newRoom("a").join("ann"))
	b := update(t, p, newRoom("b").join("bob"))
	at, err := p.Position(t.Context())
	require.NoError(t, err)
	for name, known := range map[string]diff.Position{
		"another stream":   {Stream: at.Stream.Add(-time.Second), Sequence: at.Sequence, Stored: at.Stored},
		"behind the end":   {Stream: at.Stream, Sequence: at.Sequence + 1, Stored: at.Stored.Add(time.Second)},
		"written to since": {Stream: at.Stream, Sequence: at.Sequence, Stored: at.Stored.Add(-time.Nanosecond)},
	} {
		err := p.Follow(t.Context(), known, func(string, diff.Position) { t.Error("told of something") })
		require.ErrorIs(t, err, diff.ErrAnew, name)
	}
	told, _ := following(t, p, diff.Position{Stream: at.Stream, Sequence: at.Sequence - 1, Stored: at.Stored})
	assert.Equal(t, news{"b", b.Revision}, <-told, "what was removed since is not what was rewritten")
}

// TestFollowFromBeforeTheBeginning: what was removed since is not told of.
func TestFollowFromBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	update(t, p, newRoom("a").join("ann"))
	b := update(t, p, newRoom("b").join("bob"))
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.NoError(t, st.Purge(t.Context()))
	c := update(t, p, newRoom("c").join("cyd"))
	told, _ := following(t, p, diff.Position{})
	assert.Equal(t, news{"c", c.Revision}, <-told)
	assert.Greater(t, c.Revision, b.Revision)
}

func TestFollowEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	at, err := p.Position(t.Context())
	require.NoError(t, err)
	update(t, p, newRoom("a").join("ann"))
	err = p.Follow(ctx, at, func(string, diff.Position) { cancel(enough) })
	require.ErrorIs(t, err, enough)
	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	require.Error(t, p.Follow(t.Context(), at, func(string, diff.Position) {}))
	_, err = p.Position(t.Context())
	require.Error(t, err)
}

// TestAllGoesOnToWhatReplacedWhatItWasToRead replaces every state while they are read, in the order
// in which they are.
func TestAllGoesOnToWhatReplacedWhatItWasToRead(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	const meetings = 3000 // more than the client asks for at once
	records := make([]Record, meetings)
	require.NoError(t, errors.Join(each(meetings, func(i int) error {
		var err error
		id := meetingName(i)
		records[i], _, err = p.Update(t.Context(), Record{State: diff.New(id)}, newRoom(id).join("ann").compare())
		return err
	})...))
	newest := map[string]uint64{}
	first := true
	for rec, err := range p.All(t.Context()) {
		require.NoError(t, err)
		newest[rec.State.ConferenceID] = max(newest[rec.State.ConferenceID], rec.Revision)
		if first {
			first = false
			require.NoError(t, errors.Join(each(meetings, func(i int) error {
				id := meetingName(i)
				_, _, err := p.Update(t.Context(), records[i], newRoom(id).join("ann").join("bob").compare())
				return err
			})...))
		}
	}
	assert.Len(t, newest, meetings)
}

// TestBeatsOfSeveral lets replicas say at the same time what they look after.
func TestBeatsOfSeveral(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })
	const replicas = 8
	began := time.Now().Truncate(time.Millisecond)
	all := make([]*Publisher, replicas)
	for i := range all {
		all[i] = open(t, connect(t, url), Options{})
	}
	require.NoError(t, errors.Join(each(replicas, func(i int) error {
		for range 20 {
			if err := all[i].Beat(t.Context(), i, i+replicas); err != nil {
				return err
			}
		}
		return nil
	})...))
	last, err := all[0].LastBeats(t.Context())
	require.NoError(t, err)
	for shard, at := range last {
		if shard < 2*replicas {
			assert.False(t, at.Before(began), shard)
		} else {
			assert.Zero(t, at, shard)
		}
	}
}

// TestBeatsThatCannotBeRead are replaced.
func TestBeatsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	_, err := p.replace(t.Context(), aliveSubject, []byte("soon"))
	require.NoError(t, err)
	last, err := p.LastBeats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, last)
	require.NoError(t, p.Beat(t.Context(), 5))
	last, err = p.LastBeats(t.Context())
	require.NoError(t, err)
	assert.NotZero(t, last[5])
}
