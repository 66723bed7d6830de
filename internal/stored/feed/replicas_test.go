package feed

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// goesOn reads after a sequence until an event comes, and returns the sequences of all that came,
// as one who is sent from one replica to the other does.
func goesOn(t *testing.T, f *Feed, after, until uint64) (got []uint64) {
	t.Helper()
	r := resume(t, f, Filter{}, after)
	require.NoError(t, r.CatchUp(t.Context(), func(e Placed) error {
		got = append(got, e.Sequence)
		return nil
	}))
	for len(got) == 0 || got[len(got)-1] < until {
		got = append(got, reads(t, r, 1)...)
	}
	return got
}

// A feed that has just begun hands out the end of the stream, which is no event; so the feed of
// another replica has not come to it. Its reader goes on there all the same, and is sent nothing
// again.
func TestAPlaceThatAnotherFeedHandedOut(t *testing.T) {
	t.Parallel()
	m := newMemory()
	old := run(t, m, 0)
	for range 10 {
		m.put(t, "a")
	}
	passed(t, old, 20)
	fresh := run(t, m, 0)
	r := subscribe(t, fresh, Filter{})
	position, err := r.Begin(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, ID{Sequence: 21}, position, "not an event's")

	back := resume(t, old, Filter{}, position.Sequence)
	require.NoError(t, back.CatchUp(t.Context(), func(Placed) error { return errors.New("nothing was missed") }))
	next := m.put(t, "a")
	passed(t, old, next)
	passed(t, fresh, next)
	assert.Equal(t, []uint64{next}, reads(t, back, 1))
	for _, f := range []*Feed{old, fresh} {
		assert.Equal(t, []uint64{next}, goesOn(t, f, position.Sequence, next))
		assert.Equal(t, []uint64{18, 20, 22}, goesOn(t, f, 16, next))
	}
}

// A feed may be behind the one that its reader heard before.
func TestAReaderWhoIsAheadOfTheFeed(t *testing.T) {
	t.Parallel()
	m := newMemory()
	f := New(Options{Stream: m})
	f.begin(0)
	for range 3 {
		m.put(t, "a")
	}
	r := resume(t, f, Filter{}, 4)
	require.NoError(t, r.CatchUp(t.Context(), func(Placed) error { return errors.New("nothing was missed") }))
	for _, e := range m.stored {
		require.NoError(t, f.add(e))
	}
	assert.Equal(t, []uint64{6}, reads(t, r, 1))
}

// Only what lies beyond the end of the stream is of another one.
func TestAPlaceBeyondTheEnd(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.put(t, "a")
	f := run(t, m, 0)
	for after, want := range map[uint64]uint64{0: 0, 2: 2, 3: 3, 4: 0, 1 << 63: 0} {
		r, err := f.Resume(Filter{}, ID{Sequence: after})
		require.NoError(t, err)
		position, err := r.Begin(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, position.Sequence, after)
		r.Close()
	}

	away := New(Options{Stream: broken{}})
	away.begin(0)
	r, err := away.Resume(Filter{}, ID{Sequence: 1})
	require.NoError(t, err)
	_, err = r.Begin(t.Context())
	require.ErrorIs(t, err, assert.AnError, "it cannot be told")
	r.after = 0
	_, err = r.Begin(t.Context())
	require.NoError(t, err, "nobody has to be asked")
}

func TestFilter(t *testing.T) {
	t.Parallel()
	joined, left := events.Joined, events.Left
	for _, c := range []struct {
		filter Filter
		picks  []int
	}{
		{Filter{}, []int{0, 1, 2, 3}},
		{Filter{Meeting: "a"}, []int{0, 1}},
		{Filter{Types: []events.Type{left}}, []int{1, 3}},
		{Filter{Types: []events.Type{left, joined}}, []int{0, 1, 2, 3}},
		{Filter{Meeting: "b", Types: []events.Type{joined}}, []int{2}},
	} {
		var picked []int
		for i, e := range []Event{{Meeting: "a", Type: joined}, {Meeting: "a", Type: left}, {Meeting: "b", Type: joined}, {Meeting: "b", Type: left}} {
			if c.filter.picks(&e) {
				picked = append(picked, i)
			}
		}
		assert.Equal(t, c.picks, picked, "%+v", c.filter)
	}
}
