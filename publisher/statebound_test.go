package publisher

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// titled is an encoded state with a title of n bytes, which are easily compressed.
func titled(t testing.TB, n int) []byte {
	t.Helper()
	s := diff.New("room")
	s.Title = strings.Repeat("x", n)
	raw, err := s.MarshalBinary()
	require.NoError(t, err)
	return raw
}

// untold packs raw in frames that do not say how large they are unpacked.
func untold(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteByte(plainFormat)
	w, err := zstd.NewWriter(&b)
	require.NoError(t, err)
	_, err = w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestASmallMessageUnpacksToNoMoreThanAState reads messages of a few kilobytes that would take many
// times the memory of any state.
func TestASmallMessageUnpacksToNoMoreThanAState(t *testing.T) {
	large := titled(t, 32<<20)
	first := titled(t, 1024)
	for name, data := range map[string][]byte{
		"it says how large it is": stateAs(t, plainFormat, large),
		"it does not say":         untold(t, large),
		"in a second frame":       append(stateAs(t, plainFormat, first), stateAs(t, plainFormat, large)[1:]...),
		"just too large":          stateAs(t, plainFormat, titled(t, maxStateSize)),
	} {
		t.Run(name, func(t *testing.T) {
			require.Less(t, len(data), 8<<10)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := decodeState(data, diff.Key{}, "room")
			runtime.ReadMemStats(&after)
			require.ErrorIs(t, err, diff.ErrCorruptState)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(maxStateSize), "bytes allocated")
		})
	}
}

func TestTheLargestStateIsReadAgain(t *testing.T) {
	s := diff.New("room")
	s.Title = strings.Repeat("x", maxStateSize-len(titled(t, 1<<21))+1<<21)
	data, err := encodeState(s, diff.Key{})
	require.NoError(t, err)
	got, err := decodeState(data, diff.Key{}, "room")
	require.NoError(t, err)
	assert.Equal(t, s.Title, got.Title)

	s.Title += "x"
	_, err = encodeState(s, diff.Key{})
	require.ErrorIs(t, err, ErrTooLarge)
}

// TestStatesAreReadWithinTheirSum: one more waits while as much is being read as may be.
func TestStatesAreReadWithinTheirSum(t *testing.T) {
	data, err := encodeState(diff.New("room"), diff.Key{})
	require.NoError(t, err)
	_, err = decodeState(data, diff.Key{}, "room") // makes what is made once
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, unpacking.Acquire(context.Background(), maxUnpacked))
		read := make(chan error, 1)
		go func() {
			_, err := decodeState(data, diff.Key{}, "room")
			read <- err
		}()
		synctest.Wait()
		assert.Empty(t, read)
		unpacking.Release(maxUnpacked)
		require.NoError(t, <-read)
	})
}

// TestAStateInNoMeetingsPlaceIsCorrupt stores states where none can be: their meetings cannot be
// asked for, or are asked for elsewhere.
func TestAStateInNoMeetingsPlaceIsCorrupt(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	at, err := p.Position(t.Context())
	require.NoError(t, err)
	told, _ := following(t, p, at)
	rec := update(t, p, newRoom("room").join("ann"))
	data := fetch(t, p.nc, AllStates)[0].Data()
	places := []string{
		StateSubject("a$b"), StateSubject(strings.Repeat("x", 129)), StateSubject("room") + ".room",
		strings.Replace(StateSubject("room"), ".state.", ".state.1", 1), statePrefix + "room",
	}
	for _, subject := range places {
		m := nats.NewMsg(ingest + subject)
		m.Data = data
		_, err := p.js.PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
	corrupt := 0
	for got, err := range p.All(t.Context()) {
		if err == nil {
			assert.Equal(t, rec.Revision, got.Revision)
			continue
		}
		require.ErrorIs(t, err, diff.ErrCorruptState)
		corrupt++
	}
	assert.Equal(t, len(places), corrupt)
	last := update(t, p, newRoom("last").join("ann"))
	for _, want := range []Record{rec, last} {
		got := <-told
		assert.Equal(t, news{want.State.ConferenceID, want.Revision}, got)
	}
	stored, _, err := p.Stored(t.Context(), events.Shard("a$b"))
	require.NoError(t, err)
	assert.NotContains(t, stored, "a$b")
}
