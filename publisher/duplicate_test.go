package publisher

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

// The same change seen by two replicas: the server finds the duplicate id before it looks at the
// state.
func TestDuplicateOfAnotherReplicasCommitIsAConflict(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	base := load(t, p, r.id)
	commit(t, p, base, r)

	v, code := codeOf(t, p, jobOf(t, p, base, r))
	assert.Equal(t, duplicate, v)
	assert.Equal(t, codeDuplicate, code)
	_, err := p.Commit(t.Context(), base, diff.Compare(base.State, r.snapshot()))
	require.ErrorIs(t, err, ErrConflict)
	rec, res, err := p.Update(t.Context(), base, r.compare())
	require.NoError(t, err)
	assert.Empty(t, res.Events, "the comparison with what the other stored finds nothing new")
	assert.Equal(t, uint64(4), rec.Revision)
}

// The same job sent again, as after an answer that was lost.
func TestDuplicateOfTheSameCommitIsItsSuccess(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	j := jobOf(t, p, load(t, p, "room"), newRoom("room").join("ann"))
	a := p.send(t.Context(), []*job{j})
	require.Equal(t, committed, a.verdict)
	p.commitGroup(t.Context(), []*job{j})
	require.NoError(t, j.err)
	assert.Equal(t, a.sequence, j.revision)
}

// The conflict's stored state is this commit's own: an id-less commit, so that only the sequence is
// wrong.
func TestConflictWithTheSameCommitIsItsSuccess(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	rec := load(t, p, "room")
	j, err := p.build(rec, diff.Step{State: rec.State.WithPhase(diff.Unwatched)})
	require.NoError(t, err)
	require.Equal(t, committed, p.send(t.Context(), []*job{j}).verdict)
	v, code := codeOf(t, p, j)
	require.Equal(t, conflict, v)
	require.Equal(t, codeWrongLast, code)
	p.commitGroup(t.Context(), []*job{j})
	require.NoError(t, j.err)
	assert.Equal(t, uint64(2), j.revision)
}

// purge removes messages of the stream, as an operator does.
func purge(t *testing.T, p *Publisher, opts ...jetstream.StreamPurgeOpt) {
	t.Helper()
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.NoError(t, st.Purge(t.Context(), opts...))
}

// The state is gone and the events are there: it follows from them.
func TestEventsWithoutTheirStateAreNotStoredAgain(t *testing.T) {
	t.Parallel()
	for name, retention := range map[string]time.Duration{"for ever": 0, "an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			p := newPublisher(t, Options{Retention: retention})
			r := newRoom("room").join("ann").join("bob")
			before := update(t, p, r.leave("ann"))
			purge(t, p, jetstream.WithPurgeSubject(StateSubject(r.id)))

			base := load(t, p, r.id)
			require.Zero(t, base.Revision)
			assert.Equal(t, before.State.Sequence, base.State.Sequence)
			assert.InDelta(t, before.EventsExpire, base.EventsExpire, 2, "the state has to outlive the events")
			rec, res, err := p.Update(t.Context(), base, r.leave("bob").compare())
			require.NoError(t, err)
			assert.Len(t, res.Events, 1)
			assert.Len(t, verify(t, p.nc, p, r.id), 4)
			assert.Equal(t, rec, load(t, p, r.id))
		})
	}
}

func TestEventsOfAStateThatWasSetBackAreNotStoredAgain(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	commit(t, p, load(t, p, r.id), r)
	old := fetch(t, p.nc, AllStates)[0].Data()
	update(t, p, r.leave("ann"))
	storeRaw(t, p.nc, r.id, old)

	_, res, err := p.Update(t.Context(), load(t, p, r.id), r.join("bob").compare())
	require.NoError(t, err)
	assert.Len(t, res.Events, 1, "what is stored is known from the events")
	assert.Len(t, verify(t, p.nc, p, r.id), 3)
}

// What was removed is not to be had again until the server has forgotten its ids.
func TestRemovedEventsAreRemembered(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{CompareEvery: time.Hour})
	r := newRoom("room").join("ann")
	before := update(t, p, r)
	purge(t, p)

	rec, _, err := p.Update(t.Context(), before, r.join("bob").compare())
	require.ErrorIs(t, err, diff.ErrLost)
	assert.Zero(t, rec.Revision, "what is stored now")
	_, _, err = p.Update(t.Context(), rec, r.compare())
	require.ErrorIs(t, err, diff.ErrRemembered)
	assert.Empty(t, fetch(t, p.nc, events.AllMembers))

	other := newRoom("other").join("ann")
	update(t, p, other)
	looked(t, p)
	natstest.ForgetIDs(t, p.js)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, _, err := p.Update(t.Context(), rec, r.compare())
		require.NoError(c, err)
	}, maxResends, 10*time.Millisecond)
	assert.Len(t, verify(t, p.nc, p, r.id), 2)
}
