package publisher

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

func TestCoreSubscribersSeeWhatIsCommittedAndNothingElse(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	other := connect(t, p.nc.ConnectedUrl())
	live, err := other.SubscribeSync("conference.>")
	require.NoError(t, err)
	require.NoError(t, live.SetPendingLimits(-1, -1))
	require.NoError(t, other.Flush())
	r := newRoom("room").join("ann")
	rec := commit(t, p, load(t, p, r.id), r)

	// A batch that is refused, for the state it starts from is not the last.
	stale := Record{State: rec.State, Revision: rec.Revision - 1}
	_, err = p.Commit(t.Context(), stale, diff.Compare(stale.State, r.join("bob").snapshot()))
	require.ErrorIs(t, err, ErrConflict)
	// A batch that is never committed.
	open, err := p.build(rec, diff.Step{Events: diff.Compare(rec.State, r.snapshot()).Events, State: rec.State})
	require.NoError(t, err)
	open.msgs[0].Header.Set(hdrBatch, "open")
	open.msgs[0].Header.Set(hdrBatchSeq, "1")
	require.NoError(t, p.nc.PublishMsg(open.msgs[0]))
	commit(t, p, rec, r.join("eve"))

	var subjects []string
	for range 6 {
		m, err := live.NextMsg(maxResends)
		require.NoError(t, err)
		e, err := events.Decode(m.Data)
		require.NoError(t, err)
		subjects = append(subjects, m.Subject+" "+e.Subject)
	}
	assert.Equal(t, []string{
		"conference.member.joined ann", "conference.id.room.member.joined ann",
		"conference.member.joined bob", "conference.id.room.member.joined bob",
		"conference.member.joined eve", "conference.id.room.member.joined eve",
	}, subjects)
	pending, _, err := live.Pending()
	require.NoError(t, err)
	assert.Zero(t, pending)
}

func TestDurableConsumersFilterByType(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann").leave("ann")
	update(t, p, r)
	update(t, p, newRoom("other").join("bob"))
	for filter, want := range map[string]int{
		"conference.member.*": 3, "conference.member.joined": 2, "conference.member.left": 1, "conference.member.kicked": 0,
		"conference.id.room.>": 2, "conference.id.*.member.joined": 2,
	} {
		cons, err := p.js.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Durable: "d", FilterSubject: filter})
		require.NoError(t, err)
		assert.Equal(t, uint64(want), cons.CachedInfo().NumPending, filter)
		require.NoError(t, p.js.DeleteConsumer(t.Context(), events.Stream, "d"))
	}
}

func TestServerErrorNamesTheServersNumber(t *testing.T) {
	t.Parallel()
	var e apiError
	require.NoError(t, json.Unmarshal([]byte(`{"code":400,"err_code":10174,"description":"atomic publish is disabled"}`), &e))
	var se *ServerError
	require.ErrorAs(t, errors.Join(e.err()), &se)
	assert.Equal(t, "the server refused: atomic publish is disabled (400/10174)", se.Error())
}
