package ended

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// archive is a stream of ended meetings.
type archive struct {
	t  *testing.T
	js jetstream.JetStream
}

func open(t *testing.T) *archive {
	t.Helper()
	srv, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	nc, err := nats.Connect(srv.ClientURL())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return &archive{t, js}
}

func (a *archive) create() {
	a.t.Helper()
	natstest.Anew(a.t, func() error {
		_, err := a.js.CreateStream(a.t.Context(), jetstream.StreamConfig{Name: events.Stream, Subjects: []string{"conference.>"}})
		return err
	})
}

// ends stores that a meeting ended.
func (a *archive) ends(id, title, creator string, at time.Time) {
	a.t.Helper()
	payload, err := events.Encode(events.Event{
		ID: "5a4aa9ec-2a3f-5c8f-8d0f-6c7e2a3f4b1d", Source: events.Source("corp", id), Type: events.MeetingEnded,
		Time: at, RecordedTime: at, Meeting: &events.Meeting{ConferenceID: id, Title: title, CreatorNick: creator, People: 3},
	})
	require.NoError(a.t, err)
	a.put(payload)
}

func (a *archive) put(payload []byte) {
	a.t.Helper()
	_, err := a.js.Publish(a.t.Context(), string(events.MeetingEnded), payload)
	require.NoError(a.t, err)
}

// ids searches and returns what is found.
func ids(t *testing.T, x *Index, text string, limit int) []string {
	t.Helper()
	found, err := x.Search(t.Context(), text, limit)
	require.NoError(t, err)
	out := []string{}
	for _, m := range found {
		out = append(out, m.ConferenceID)
	}
	return out
}

func TestSearch(t *testing.T) {
	t.Parallel()
	a, now := open(t), time.Now()
	x := New(a.js, Options{})
	assert.Empty(t, ids(t, x, "", 10), "there is no stream yet")
	a.create()
	assert.Empty(t, ids(t, x, "", 10))
	a.ends("m1", "Weekly 周会", "Ann", now)
	a.put([]byte("not ours"))
	a.ends("m2", "Review", "Bob", now)
	a.ends("m1", "Weekly 周会", "Ann", now)
	a.ends("m3", "", "WEEKEND", now)
	assert.Equal(t, []string{"m3", "m1", "m2"}, ids(t, x, "", 10), "the latest first, each once")
	assert.Equal(t, []string{"m3", "m1"}, ids(t, x, "weEk", 10))
	assert.Equal(t, []string{"m1"}, ids(t, x, "周", 10))
	assert.Equal(t, []string{"m2"}, ids(t, x, "bob", 10))
	assert.Equal(t, []string{"m3"}, ids(t, x, "m", 1))
	assert.Empty(t, ids(t, x, "nobody", 10))
	found, err := x.Search(t.Context(), "m2", 1)
	require.NoError(t, err)
	assert.Equal(t, 3, found[0].People)
	assert.Equal(t, now.UnixMilli(), found[0].Ended.UnixMilli())

	a.ends("m4", "Later", "Ann", now)
	assert.Equal(t, []string{"m4", "m3"}, ids(t, x, "", 2), "what was stored since")

	require.NoError(t, a.js.DeleteStream(t.Context(), events.Stream))
	a.create()
	a.ends("m5", "In another stream", "", now)
	assert.Equal(t, []string{"m5"}, ids(t, x, "", 10))
}

// TestAStreamInPlaceOfTheOther is read from its beginning, also where it is longer by then, and one
// that went back to a backup is, too.
func TestAStreamInPlaceOfTheOther(t *testing.T) {
	t.Parallel()
	a, now := open(t), time.Now()
	a.create()
	x := New(a.js, Options{})
	a.ends("m1", "", "", now)
	backup := natstest.TakeBackup(t, a.js.Conn())
	a.ends("m2", "", "", now)
	a.ends("m3", "", "", now)
	require.Equal(t, []string{"m3", "m2", "m1"}, ids(t, x, "", 10))

	require.NoError(t, a.js.DeleteStream(t.Context(), events.Stream))
	backup.Restore(t, a.js.Conn())
	for _, id := range []string{"m4", "m5", "m6"} {
		a.ends(id, "", "", now)
	}
	require.Equal(t, []string{"m6", "m5", "m4", "m1"}, ids(t, x, "", 10), "it went back")

	require.NoError(t, a.js.DeleteStream(t.Context(), events.Stream))
	a.create()
	want := []string{}
	for i := range 6 {
		id := fmt.Sprint("n", i)
		a.ends(id, "", "", now)
		want = append([]string{id}, want...)
	}
	require.Equal(t, want, ids(t, x, "", 10), "it is another")
}

func TestWhatIsNotKeptAnyMore(t *testing.T) {
	t.Parallel()
	a, now := open(t), time.Now()
	a.create()
	a.ends("old", "", "", now.Add(-2*time.Hour))
	a.ends("young", "", "", now)
	assert.Equal(t, []string{"young"}, ids(t, New(a.js, Options{Retention: time.Hour}), "", 10))
	assert.Equal(t, []string{"young", "old"}, ids(t, New(a.js, Options{}), "", 10))

	x := New(a.js, Options{Kept: 8})
	for i := range 100 {
		a.ends(fmt.Sprint("m", i), "", "", now)
	}
	found := ids(t, x, "", 100)
	assert.GreaterOrEqual(t, len(found), 8)
	assert.LessOrEqual(t, len(found), 10)
	for i, id := range found {
		assert.Equal(t, fmt.Sprint("m", 99-i), id)
	}
}

func TestWhoStopsWaiting(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.create()
	x := New(a.js, Options{})
	x.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := x.Search(ctx, "", 1)
	require.ErrorIs(t, err, context.Canceled)
	<-x.turn
	_, err = x.Search(ctx, "", 1)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, ids(t, x, "", 1), "the next one can")
}
