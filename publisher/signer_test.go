package publisher

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

func keysOf(t *testing.T, p *Publisher) []SealingKey {
	t.Helper()
	keys, err := p.SealingKeys(t.Context())
	require.NoError(t, err)
	return keys
}

// TestKeysThatSealAreListed: those of all replicas, also when they do not run any more.
func TestKeysThatSealAreListed(t *testing.T) {
	t.Parallel()
	one, first := signer(t)
	two, second := signer(t)
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := open(t, nc, Options{Signer: one})
	require.Eventually(t, func() bool { return len(keysOf(t, p)) == 1 }, maxResends, time.Millisecond)
	since := keysOf(t, p)[0].Since
	assert.WithinDuration(t, time.Now(), since, time.Minute)
	assert.Equal(t, SealingKey{Public: first, Current: true, Since: since}, keysOf(t, p)[0])

	other := open(t, nc, Options{Signer: two})
	require.Eventually(t, func() bool { return len(keysOf(t, p)) == 2 }, maxResends, time.Millisecond)
	again := open(t, nc, Options{Signer: one})
	assert.Equal(t, since, keysOf(t, again)[slices.IndexFunc(keysOf(t, again), func(k SealingKey) bool { return k.Public == first })].Since)
	for _, k := range keysOf(t, other) {
		assert.Equal(t, k.Public == second, k.Current)
	}
	assert.Len(t, keysOf(t, open(t, nc, Options{})), 2)
}

// A key stands in the stream before anything is sealed with it.
func TestAKeyIsStoredBeforeItSeals(t *testing.T) {
	t.Parallel()
	key, public := signer(t)
	p := newPublisher(t, Options{Signer: key})
	require.Eventually(t, func() bool { return len(keysOf(t, p)) == 1 }, maxResends, time.Millisecond)
	purge(t, p, jetstream.WithPurgeSubject(signerPrefix+public))
	p.keyKept.Store(false)
	r := newRoom("room").join("ann")
	update(t, p, r)
	assert.Empty(t, keysOf(t, p))
	wanted(t, p, r.id, diff.Gap{From: r.now, At: r.now + 1, Reason: events.GapDown})
	assert.Len(t, keysOf(t, p), 1)
}

func TestAStreamOfTheFormatBeforeHasNoKeys(t *testing.T) {
	t.Parallel()
	key, _ := signer(t)
	p := newPlain(t, Options{Signer: key})
	looked(t, p)
	wanted(t, p, "room", diff.Gap{From: epoch, At: epoch + 1, Reason: events.GapDown})
	assert.Empty(t, keysOf(t, p))
	e := decode(t, fetch(t, p.nc, events.AllMeetings)[0])
	assert.Nil(t, e.Seal())
}
