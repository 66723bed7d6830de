package publisher

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// The same change seen by two replicas: the server finds the duplicate id before it looks at the state.
func TestDuplicateOfAnotherReplicasCommitIsAConflict(t *testing.T) {
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
	assert.Equal(t, uint64(3), rec.Revision)
}

// The same job sent again, as after an answer that was lost.
func TestDuplicateOfTheSameCommitIsItsSuccess(t *testing.T) {
	p := newPublisher(t, Options{})
	j := jobOf(t, p, load(t, p, "room"), newRoom("room").join("ann"))
	a := p.send(t.Context(), []*job{j})
	require.Equal(t, committed, a.verdict)
	p.commitGroup(t.Context(), []*job{j})
	require.NoError(t, j.err)
	assert.Equal(t, a.sequence, j.revision)
}

// The conflict's stored state is this commit's own: an id-less commit, so that only the sequence is wrong.
func TestConflictWithTheSameCommitIsItsSuccess(t *testing.T) {
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
	assert.Equal(t, uint64(1), j.revision)
}

func TestEventsWithoutTheirStateAreNotStoredAgain(t *testing.T) {
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	update(t, p, r)
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.NoError(t, st.Purge(t.Context(), jetstream.WithPurgeSubject(StateSubject(r.id))))

	base := load(t, p, r.id)
	require.Zero(t, base.Revision)
	_, err = p.Commit(t.Context(), base, diff.Compare(base.State, r.snapshot()))
	require.ErrorIs(t, err, ErrStateLost)
	assert.ErrorContains(t, err, "meeting room")
	assert.ErrorContains(t, err, "it has no state, but the event at 2", "found before the server has to remember an id")
	assert.Len(t, fetch(t, p.nc, events.AllMembers), 1)

	// The way out that the error's documentation names.
	require.NoError(t, st.Purge(t.Context(), jetstream.WithPurgeSubject(events.OfMeeting(r.id))))
	require.NoError(t, st.Purge(t.Context(), jetstream.WithPurgeSubject(events.AllMembers)))
	_, err = p.Commit(t.Context(), base, diff.Compare(base.State, r.join("bob").snapshot()))
	require.ErrorIs(t, err, ErrStateLost, "the server remembers the ids for the duplicate window")
}

func TestEventsOfAStateThatWasSetBackAreNotStoredAgain(t *testing.T) {
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	commit(t, p, load(t, p, r.id), r)
	old := fetch(t, p.nc, AllStates)[0].Data()
	update(t, p, r.leave("ann"))
	storeRaw(t, p.nc, r.id, old)

	_, _, err := p.Update(t.Context(), load(t, p, r.id), r.compare())
	require.ErrorIs(t, err, ErrStateLost)
	assert.ErrorContains(t, err, "10201")
	assert.Len(t, fetch(t, p.nc, events.AllMembers), 2)
}
