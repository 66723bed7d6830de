package shards

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/events"
)

func TestSet(t *testing.T) {
	t.Parallel()
	s := One(0) | One(7) | One(63)
	assert.Equal(t, 3, s.Len())
	assert.Equal(t, []int{0, 7, 63}, slices.Collect(s.All()))
	assert.True(t, s.Has(63))
	assert.False(t, s.Has(62))
	assert.Equal(t, Count, Every.Len())
	for shard := range s.All() {
		assert.Zero(t, shard)
		break // a reader that has enough
	}
}

func TestWhatIsNoShardIsInNoSet(t *testing.T) {
	t.Parallel()
	for _, shard := range []int{-1, -64, 64, 1 << 40} {
		assert.False(t, Every.Has(shard), shard)
		assert.Zero(t, One(shard), shard)
	}
}

func TestEveryMeetingBelongsToAShard(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		assert.True(t, Every.Has(events.Shard(rapid.StringMatching(`[A-Za-z0-9_-]{1,20}`).Draw(t, "conference"))))
	})
	var used Set
	for i := range 1000 {
		used |= One(events.Shard(fmt.Sprint("meeting-", i)))
	}
	assert.Equal(t, Every, used)
}

func TestSetAsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Set(rapid.Uint64().Draw(t, "set"))
		b, err := json.Marshal(want)
		require.NoError(t, err)
		var got Set
		require.NoError(t, json.Unmarshal(b, &got))
		assert.Equal(t, want, got)
	})
	for name, text := range map[string]string{
		"empty": `""`, "no number": `"x"`, "too long": `"10000000000000000"`, "negative": `"-1"`, "a number": `1`,
	} {
		t.Run(name, func(t *testing.T) {
			s := One(1)
			require.Error(t, json.Unmarshal([]byte(text), &s))
			assert.Equal(t, One(1), s)
		})
	}
}
