package publisher

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
)

func TestAStateIsSealedWithAKeyThatIsStoredOnce(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann").join("bob")
	rec := commit(t, p, load(t, p, r.id), r)
	assert.Equal(t, uint64(6), rec.Revision, "two events twice, the key, the state")
	require.False(t, rec.Key.IsZero())
	rec = commit(t, p, rec, r.leave("ann"))
	assert.Len(t, fetch(t, p.nc, "rollcall.key.>"), 1)

	st := fetch(t, p.nc, AllStates)
	require.Len(t, st, 1)
	assert.True(t, isSealed(st[0].Data()))
	assert.Equal(t, rec.Key, load(t, p, r.id).Key)
	assert.Empty(t, diff.Compare(load(t, p, r.id).State, r.snapshot()).Events)

	other := open(t, p.nc, Options{})
	believe(t, other, formatPlain)
	rec = commit(t, other, load(t, other, r.id), r.join("eve"))
	assert.True(t, isSealed(fetch(t, p.nc, AllStates)[0].Data()), "by one that does not seal yet, too")
	assert.Equal(t, rec.State.Sequence, load(t, p, r.id).State.Sequence)
	verify(t, p.nc, p, r.id)
}

func TestAStateFromBeforeIsSealedWhenItIsNextStored(t *testing.T) {
	t.Parallel()
	p := newPlain(t, Options{})
	r := newRoom("room").join("ann")
	rec := commit(t, p, load(t, p, r.id), r)
	assert.True(t, rec.Key.IsZero())
	believe(t, p, formatChained)
	rec = commit(t, p, rec, r.leave("ann"))
	assert.False(t, rec.Key.IsZero())
	assert.Equal(t, rec.Key, load(t, p, r.id).Key)
}

func TestNothingOfASealedStateIsReadWithoutItsKey(t *testing.T) {
	t.Parallel()
	s := diff.Compare(diff.New("room"), newRoom("room").join("annabel").snapshot()).State
	key := newKey()
	data, err := encodeState(s, key)
	require.NoError(t, err)
	assert.NotContains(t, string(data), "annabel")
	again, err := encodeState(s, key)
	require.NoError(t, err)
	assert.False(t, bytes.Equal(data, again), "no two states are sealed alike")

	got, err := decodeState(data, key, "room")
	require.NoError(t, err)
	assert.Equal(t, 1, got.Size())
	for name, tt := range map[string]struct {
		data []byte
		key  diff.Key
		id   string
		want string
	}{
		"without a key":        {data, diff.Key{}, "room", "another key"},
		"with another":         {data, newKey(), "room", "another key"},
		"as another meeting's": {data, key, "office", "unseal"},
		"changed":              {append(bytes.Clone(data[:len(data)-1]), data[len(data)-1]^1), key, "room", "unseal"},
		"cut short":            {data[:sealedHead-1], key, "room", "cut short"},
	} {
		_, err := decodeState(tt.data, tt.key, tt.id)
		require.ErrorIs(t, err, diff.ErrCorruptState, name)
		assert.ErrorContains(t, err, tt.want, name)
	}
	assert.NotContains(t, key.String(), string(key[:]))
}

func TestAKeyThatIsReplacedWhileItIsReadIsReadAgain(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	rec := commit(t, p, load(t, p, r.id), r)
	rec.Key = diff.Key{}
	rec = commit(t, p, rec, r.leave("ann"))
	assert.Len(t, fetch(t, p.nc, "rollcall.key.>"), 2)
	assert.Equal(t, rec.Key, load(t, p, r.id).Key)
	var all []Record
	for got, err := range p.All(t.Context()) {
		require.NoError(t, err)
		all = append(all, got)
	}
	require.Len(t, all, 1)
	assert.Equal(t, rec.Key, all[0].Key)
}

func TestSealedStatesAreReadWithTheirKeys(t *testing.T) {
	t.Parallel()
	p := newPlain(t, Options{})
	for i := range 8 {
		believe(t, p, formatPlain+(i+1)%2)
		r := newRoom(meetingName(i)).join("ann")
		rec := commit(t, p, load(t, p, r.id), r)
		if i%4 == 0 {
			commit(t, p, rec, r.leave("ann"))
		}
	}
	seen := map[string]bool{}
	for rec, err := range p.All(t.Context()) {
		require.NoError(t, err)
		seen[rec.State.ConferenceID] = true
		assert.Equal(t, load(t, p, rec.State.ConferenceID).Key, rec.Key)
	}
	assert.Len(t, seen, 8)
	survey := NewSurvey(p, func(s *diff.State) (string, bool) { return s.ConferenceID, s.Active == 0 })
	shards := make([]int, 64)
	for i := range shards {
		shards[i] = i
	}
	gone, err := survey.Read(t.Context(), shards...)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{meetingName(0), meetingName(4)}, gone)
	r := newRoom(meetingName(2)).join("ann")
	commit(t, p, load(t, p, r.id), r.leave("ann"))
	r = newRoom(meetingName(0)).join("ann").leave("ann")
	commit(t, p, load(t, p, r.id), r.join("bob"))
	gone, err = survey.Read(t.Context(), shards...)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{meetingName(2), meetingName(4)}, gone)
}

func BenchmarkSealedState(b *testing.B) {
	s := diff.Compare(diff.New("all-hands"), crowd(30).snapshot()).State
	for name, key := range map[string]diff.Key{"plain": {}, "sealed": newKey()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := encodeState(s, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
