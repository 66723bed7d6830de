package publisher

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
)

// forgetIn erases somebody from a meeting, and returns when its state was stored.
func forgetIn(t testing.TB, p *Publisher, id, who string) time.Time {
	t.Helper()
	_, err := p.Forget(t.Context(), load(t, p, id), diff.Forget{Who: diff.Who{UnionID: who}, Reason: "asked", At: epoch, Now: epoch}, nil)
	require.NoError(t, err)
	require.NoError(t, p.Overwrite(t.Context(), id, nil))
	return storedAt(t, p, id)
}

// storedAt is when a meeting's state was stored.
func storedAt(t testing.TB, p *Publisher, id string) time.Time {
	t.Helper()
	m, err := p.lastMessage(t.Context(), StateSubject(id))
	require.NoError(t, err)
	require.NotNil(t, m)
	return m.Time
}

// dueAt are the meetings that expire if all do in which nothing happened since a time.
func dueAt(t testing.TB, s *Sweeper, before time.Time) (ids []string) {
	t.Helper()
	due, oldest, err := s.due(t.Context(), before)
	require.NoError(t, err)
	due, _, err = s.dueRenewed(t.Context(), before, due, oldest)
	require.NoError(t, err)
	for _, rec := range due {
		ids = append(ids, rec.State.ConferenceID)
	}
	return ids
}

// What others did is kept no longer because somebody was erased.
func TestErasingDoesNotRenewAMeeting(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	play(t, p, "over")
	happened := storedAt(t, p, "over")
	forgetIn(t, p, "over", "ann")
	erased := forgetIn(t, p, "over", "bob")
	require.True(t, erased.After(happened))

	s := sweeperAt(p, 0)
	assert.Empty(t, dueAt(t, s, happened), "it is not due before its time")
	assert.Equal(t, []string{"over"}, dueAt(t, s, happened.Add(1)))
	assert.Equal(t, []string{"over"}, dueAt(t, s, happened.Add(1)), "until it is removed")
	assert.Equal(t, []string{"over"}, dueAt(t, s, erased.Add(1)), "once")
	assert.Equal(t, []string{"over"}, dueAt(t, sweeperAt(p, 0), happened.Add(1)), "as after a restart")

	// It happens in it again: then that counts.
	r := newRoom("over").join("cho")
	_, _, err := p.Update(t.Context(), load(t, p, r.id), diff.All{watchFrom(r), r.compare()})
	require.NoError(t, err)
	_, _, err = p.Update(t.Context(), load(t, p, r.id), diff.Unwatch{At: r.now})
	require.NoError(t, err)
	assert.Empty(t, dueAt(t, s, happened.Add(1)))
	again := storedAt(t, p, "over")
	forgetIn(t, p, "over", "cho")
	assert.Empty(t, dueAt(t, s, again))
	assert.Equal(t, []string{"over"}, dueAt(t, s, again.Add(1)))

	assert.Equal(t, 1, sweep(t, sweeperAt(p, 2*time.Hour)).Meetings)
	assert.Empty(t, storedOf(t, p, "over"), "nor is anything left that noted it")
	assert.Empty(t, dueAt(t, s, again.Add(1)))
}
