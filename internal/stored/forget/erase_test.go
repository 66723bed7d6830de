package forget

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/internal/testing/blocks"
)

var (
	ann   = row("union-ann", "Annabel Lee")
	bob   = row("union-bob", "Robert Roe")
	guest = row("", "Visitor Vera")
)

// noTrace stops the server and looks for texts in all that its files hold.
func (w *place) noTrace(texts ...string) {
	w.t.Helper()
	w.nc.Close()
	require.NoError(w.t, w.srv.Close())
	records := blocks.Read(w.t, w.dir)
	read := blocks.Texts(w.t, records)
	for _, text := range texts {
		for _, have := range read {
			assert.NotContains(w.t, have, text)
		}
	}
	assert.True(w.t, containsAny(read, "union-bob"), "the others are there, so that something was read")
}

func containsAny(texts []string, want string) bool {
	for _, text := range texts {
		if strings.Contains(text, want) {
			return true
		}
	}
	return false
}

func request(id string) Request {
	return Request{Wanted: Wanted{UnionIDs: []string{id}}, Reason: "asked for", By: "office"}
}

func TestEraseLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("office", true, ann, bob)
	w.meets("hall", true, bob, ann)
	w.meets("other", true, bob)
	x := w.eraser()

	expected, err := x.Erase(t.Context(), Request{Wanted: Wanted{UnionIDs: []string{"union-ann"}}, DryRun: true})
	require.NoError(t, err)
	before, _ := w.stored("conference.id.>")
	got, err := x.Erase(t.Context(), request("union-ann"))
	require.NoError(t, err)
	assert.Equal(t, Answer{Meetings: 2, Events: 5, Waiting: []string{}, Unreachable: []string{backups, titles}}, got,
		"she came twice, left twice and created one")
	assert.Equal(t, expected, got)
	again, err := x.Erase(t.Context(), request("union-ann"))
	require.NoError(t, err)
	assert.Equal(t, Answer{Waiting: []string{}, Unreachable: []string{}}, again)

	after, _ := w.stored("conference.id.>")
	assert.Len(t, after, len(before)-5+3, "erased twice, updated once")
	flat, _ := w.stored("conference.member.*", "conference.meeting.*", "conference.person.*")
	assert.Len(t, flat, len(after))
	for _, id := range []string{"office", "hall", "other"} {
		w.proven(id)
		told, _ := w.stored(events.OfMeeting(id))
		roster := events.NewRoster(id)
		for i := range told {
			roster.Explain(&told[i])
		}
		for _, e := range told {
			require.NoError(t, roster.Apply(e))
		}
		assert.True(t, roster.Complete(), id)
		assert.Len(t, roster.Attendances(), 1, id)
		assert.Equal(t, "Weekly", roster.Meeting().Title)
		assert.Equal(t, epoch, roster.Meeting().StartTime)
		require.NotNil(t, roster.Ended(), id)
	}
	told, err := report.Of(t.Context(), w.js, "office")
	require.NoError(t, err)
	assert.Equal(t, report.Erased{People: 1, Events: 3}, told.Erased)
	assert.True(t, told.Complete, "what was erased is not missing")
	assert.Len(t, told.People, 1)
	assert.Equal(t, []int64{epoch, epoch + 60_000}, []int64{told.StartTime, told.EndTime})
	told, err = report.Of(t.Context(), w.js, "other")
	require.NoError(t, err)
	assert.Zero(t, told.Erased)
	erased, payloads := w.stored(events.ByMeeting("office", events.PersonErased))
	require.Len(t, erased, 1)
	assert.NotNil(t, erased[0].Seal())
	assert.NotContains(t, string(payloads[0]), "ann")
	assert.Equal(t, []any{3, "asked for", "office"}, []any{erased[0].Erased.Events, erased[0].Erased.Reason, erased[0].Erased.By})
	w.noTrace("union-ann", "Annabel")
}

func TestAMeetingThatIsWatchedWaits(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("past", true, ann, bob)
	w.meets("live", false, bob, ann)
	x := w.eraser()
	got, err := x.Erase(t.Context(), request("union-ann"))
	require.NoError(t, err)
	assert.Equal(t, 1, got.Meetings)
	assert.Equal(t, []string{"live"}, got.Waiting)
	again, err := x.Erase(t.Context(), request("union-ann"))
	require.NoError(t, err)
	assert.Zero(t, again.Events)
	assert.Equal(t, []string{"live"}, again.Waiting)
	orders, err := w.p.Orders(t.Context())
	require.NoError(t, err)
	assert.Len(t, orders, 1, "it is remembered once")

	// Another replica finds it once the meeting is over.
	_, js, p := w.connect()
	other := &Eraser{Publisher: p, JetStream: js}
	resumed, err := other.Resume(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"live"}, resumed.Waiting)
	w.ends("live", bob, ann)
	resumed, err = other.Resume(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Answer{Meetings: 1, Events: 2}, resumed)
	w.proven("live")
	orders, err = w.p.Orders(t.Context())
	require.NoError(t, err)
	assert.Empty(t, orders)
	w.noTrace("union-ann", "Annabel")
}

func TestGuestsAreErasedFromOneMeeting(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("office", true, bob, guest)
	w.meets("hall", true, bob, guest)
	got, err := w.eraser().Erase(t.Context(), Request{Wanted: Wanted{Nicks: []string{"Visitor Vera"}, Meeting: "office"}, Reason: "asked for"})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, []int{got.Meetings, got.Events})
	_, payloads := w.stored(events.OfMeeting("office"))
	for _, payload := range payloads {
		assert.NotContains(t, string(payload), "Vera")
	}
	_, payloads = w.stored(events.OfMeeting("hall"))
	assert.True(t, strings.Contains(string(payloads[2]), "Vera") || strings.Contains(string(payloads[1]), "Vera"), "she stays elsewhere")
	w.proven("office")
}

func TestWhomToForgetIsToldForAWhile(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("office", true, bob, ann)
	now := time.Now()
	x := w.eraser()
	x.Now = func() time.Time { return now }
	req := request("union-ann")
	req.Notice = time.Hour
	_, err := x.Erase(t.Context(), req)
	require.NoError(t, err)
	told, _ := w.stored(string(events.PersonForget))
	require.Len(t, told, 1)
	assert.Equal(t, "union-ann", told[0].Subject)
	assert.Equal(t, "union-ann", told[0].Forget.UnionID)
	assert.Len(t, told[0].Forget.IDs, 2)
	again, err := x.Erase(t.Context(), req)
	require.NoError(t, err)
	assert.Zero(t, again.Events)

	now = now.Add(59 * time.Minute)
	_, err = x.Resume(t.Context())
	require.NoError(t, err)
	told, _ = w.stored(string(events.PersonForget))
	assert.Len(t, told, 1)
	now = now.Add(2 * time.Minute)
	_, err = x.Resume(t.Context())
	require.NoError(t, err)
	told, _ = w.stored(string(events.PersonForget))
	assert.Empty(t, told)
	w.noTrace("union-ann", "Annabel")
}

// TestWhatIsKilledIsGoneOnWith stops after every message that is overwritten, and after every
// commit.
func TestWhatIsKilledIsGoneOnWith(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("office", true, ann, bob)
	w.meets("hall", true, bob, ann)
	killed := errors.New("killed")
	x := w.eraser()
	x.Rest = func(context.Context, time.Duration) error { return killed }
	events := 0
	got, err := x.Erase(t.Context(), request("union-ann"))
	require.ErrorIs(t, err, killed)
	events += got.Events
	for range 100 {
		if got, err = x.Resume(t.Context()); err == nil {
			break
		}
		require.ErrorIs(t, err, killed)
		events += got.Events
	}
	require.NoError(t, err)
	w.proven("office")
	w.proven("hall")
	erased, _ := w.stored("conference.person.*")
	assert.Len(t, erased, 2, "told once of each meeting")
	again, err := w.eraser().Erase(t.Context(), request("union-ann"))
	require.NoError(t, err)
	assert.Zero(t, again.Events)
	w.noTrace("union-ann", "Annabel")
}

func TestSeveralEraseAtOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, id := range []string{"m1", "m2", "m3", "m4", "m5", "m6"} {
		w.meets(id, true, ann, bob)
	}
	answers := make([]Answer, 3)
	var all sync.WaitGroup
	for i := range answers {
		_, js, p := w.connect()
		x := &Eraser{Publisher: p, JetStream: js}
		all.Go(func() {
			var err error
			answers[i], err = x.Erase(t.Context(), request("union-ann"))
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, 18, answers[0].Events+answers[1].Events+answers[2].Events, "each is counted once")
	erased, _ := w.stored("conference.person.*")
	assert.Len(t, erased, 6)
	for _, id := range []string{"m1", "m6"} {
		w.proven(id)
	}
	w.noTrace("union-ann", "Annabel")
}

func TestOnlyTheStateNamesWhoNeverCame(t *testing.T) {
	t.Parallel()
	w := open(t)
	called := ann
	called.Status, called.JoinTime = diff.StatusFailed, 0
	w.meets("office", true, bob, called)
	got, err := w.eraser().Erase(t.Context(), request("union-ann"))
	require.NoError(t, err)
	assert.Zero(t, got.Events)
	rec, err := w.p.Load(t.Context(), "office")
	require.NoError(t, err)
	assert.False(t, rec.State.Names(diff.Who{UnionID: "union-ann"}))
	w.proven("office")
	w.noTrace("union-ann", "Annabel")
}

func TestARealIDFindsItsPseudonym(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("office", true, bob, row("p-of-union-ann", ""))
	wanted := Named("union-ann", func(id string) string { return "p-of-" + id })
	found, err := Of(t.Context(), w.js, wanted)
	require.NoError(t, err)
	assert.Equal(t, "union-ann", found.UnionID)
	assert.Len(t, found.Events, 2)
	require.Len(t, found.Meetings, 1)
	assert.Equal(t, "ended", found.Meetings[0].State)
	assert.Equal(t, 1, found.Meetings[0].Listed[0].Visits)
	got, err := w.eraser().Erase(t.Context(), Request{Wanted: wanted, Reason: "asked for"})
	require.NoError(t, err)
	assert.Equal(t, 2, got.Events)
	found, err = Of(t.Context(), w.js, wanted)
	require.NoError(t, err)
	assert.Empty(t, found.Events)
	assert.Empty(t, found.Meetings)
}

// An order that waits stands in the stream: it must not say whose a pseudonym is.
func TestAnOrderNamesWhatIsStored(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("live", false, bob, row("p-0815", ""))
	got, err := w.eraser().Erase(t.Context(), Request{Wanted: Named("union-ann", func(string) string { return "p-0815" }), Reason: "asked for"})
	require.NoError(t, err)
	assert.Equal(t, []string{"live"}, got.Waiting)
	orders, err := w.p.Orders(t.Context())
	require.NoError(t, err)
	require.Len(t, orders, 1)
	assert.Equal(t, "p-0815", orders[0].UnionID)
	w.noTrace("union-ann")
}

func TestWhatRobotsAreToldIsCleared(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.meets("office", true, bob, ann)
	kv, err := w.js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: Robots})
	require.NoError(t, err)
	for i := range 3 {
		_, err = kv.Put(t.Context(), "group", fmt.Appendf(nil, `{"cursor":%d,"outbox":[{"text":"Annabel\u0020Lee joined"},{"text":"union-bob joined"}]}`, i))
		require.NoError(t, err)
	}
	_, err = kv.Put(t.Context(), "group.said", []byte("prints"))
	require.NoError(t, err)
	got, err := w.eraser().Erase(t.Context(), request("union-ann"))
	require.NoError(t, err)
	assert.Equal(t, []string{backups, titles}, got.Unreachable)
	entry, err := kv.Get(t.Context(), "group")
	require.NoError(t, err)
	assert.JSONEq(t, `{"cursor":2,"outbox":[{"text":"union-bob joined"}]}`, string(entry.Value()))
	said, err := kv.Get(t.Context(), "group.said")
	require.NoError(t, err)
	assert.Equal(t, "prints", string(said.Value()))
	w.noTrace("union-ann", "Annabel")
}

func TestWithoutAStreamThereIsNobody(t *testing.T) {
	t.Parallel()
	w := open(t)
	require.NoError(t, w.js.DeleteStream(t.Context(), events.Stream))
	got, err := w.eraser().Erase(t.Context(), Request{Wanted: Wanted{UnionIDs: []string{"x"}}, DryRun: true})
	require.NoError(t, err)
	assert.Equal(t, Answer{Waiting: []string{}, Unreachable: []string{}}, got)
}
