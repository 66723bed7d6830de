package feed

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// took reads until it has n events or the reader moved, and returns the events' meetings.
func took(t *testing.T, r *Reader, n int) (got []string, moved bool) {
	t.Helper()
	for len(got) < n && !moved {
		var found []Placed
		var err error
		found, moved, err = r.Read(t.Context())
		require.NoError(t, err)
		for _, e := range found {
			got = append(got, e.Meeting)
		}
	}
	return got, moved
}

// TestReadersGoOnInAnotherStream, and are not told again what they were told.
func TestReadersGoOnInAnotherStream(t *testing.T) {
	t.Parallel()
	for _, left := range []int{0, 1} {
		m := newMemory()
		f := run(t, m, 0)
		m.putAs(t, "a", "1")
		m.putAs(t, "b", "2")
		passed(t, f, 4)
		early := resume(t, f, Filter{}, 1)
		behind := resume(t, f, Filter{}, 1)
		late := subscribe(t, f, Filter{})
		got, _ := took(t, early, 2)
		require.Equal(t, []string{"a", "b"}, got)

		m.replace(left)
		if left == 0 {
			m.putAs(t, "a", "1")
		}
		m.putAs(t, "b", "2")
		fresh := uint64(4)
		passed(t, f, fresh)
		for _, r := range []*Reader{early, late} {
			got, moved := took(t, r, 1)
			assert.True(t, moved)
			assert.Empty(t, got, "they had it")
			assert.Equal(t, fresh, r.Place().Sequence)
			assert.NotEqual(t, "4", r.Place().String(), "not the place of the other stream")
		}
		got, _ = took(t, behind, 2)
		assert.Equal(t, []string{"a", "b"}, got, "once")
		m.putAs(t, "c", "3")
		for _, r := range []*Reader{early, late, behind} {
			got, _ := took(t, r, 1)
			assert.Equal(t, []string{"c"}, got)
		}
	}
}

// TestAnnouncedAnewInTheSameStream: it was purged.
func TestAnnouncedAnewInTheSameStream(t *testing.T) {
	t.Parallel()
	m := newMemory()
	f := run(t, m, 0)
	r := subscribe(t, f, Filter{})
	m.putAs(t, "a", "1")
	m.putAs(t, "a", "1")
	m.putAs(t, "b", "2")
	got, _ := took(t, r, 2)
	assert.Equal(t, []string{"a", "b"}, got)
	passed(t, f, 6)
	got, _ = took(t, resume(t, f, Filter{}, 2), 1)
	assert.Equal(t, []string{"b"}, got, "it had the first")
}

// TestAPlaceOfTheStreamBefore stands for the beginning of this one, however long this is, and a
// place of this one for itself.
func TestAPlaceOfTheStreamBefore(t *testing.T) {
	t.Parallel()
	m := newMemory()
	f := run(t, m, 0)
	for range 3 {
		m.put(t, "old")
	}
	passed(t, f, 6)
	before := ID{Sequence: 4}
	m.replace(1)
	for range 3 {
		m.put(t, "new")
	}
	passed(t, f, 8)
	back := func(id ID, end string) (got []string) {
		r, err := f.Resume(Filter{}, id)
		require.NoError(t, err)
		defer r.Close()
		_, err = r.Begin(t.Context())
		require.NoError(t, err)
		m.put(t, end)
		for len(got) == 0 || got[len(got)-1] != end {
			found, _ := took(t, r, 1)
			got = append(got, found...)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		return got
	}
	assert.Equal(t, []string{"new", "new", "new", "end"}, back(before, "end"))
	f.mu.Lock()
	now := f.idOf(6)
	beyond := f.idOf(8)
	f.mu.Unlock()
	assert.Equal(t, "8", beyond.String(), "no place of the stream before")
	assert.Equal(t, []string{"new", "end", "other"}, back(now, "other"))
	parsed, err := ParseID(now.String())
	require.NoError(t, err)
	assert.Equal(t, now, parsed)
}

func TestIDsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", "-1", "1-", "1-a", "1-2-3", "99999999999999999999999"} {
		_, err := ParseID(text)
		assert.ErrorContains(t, err, "is not the id of an event", text)
	}
	id, err := ParseID("5121")
	require.NoError(t, err)
	assert.Equal(t, "5121", id.String())
}
