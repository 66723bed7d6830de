package publisher

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// plainStream makes a stream as a Rollcall did that knew of no formats.
func plainStream(t testing.TB, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), streamConfig(1))
	require.NoError(t, err)
}

// newPlain is a publisher on a server of its own, with such a stream.
func newPlain(t testing.TB, opts Options) *Publisher {
	t.Helper()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	plainStream(t, nc)
	return open(t, nc, opts)
}

// believe has a publisher take the stream for one of a format, until it compares the configuration
// the next time.
func believe(t testing.TB, p *Publisher, format int) {
	t.Helper()
	looked(t, p)
	p.streamFormat.Store(int32(format))
}

func TestANewStreamIsOfTheNewestFormat(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	assert.Equal(t, Format, p.format())
	c := configOf(t, p)
	assert.Equal(t, "2", c.Metadata["rollcall_format"])
	assert.EqualValues(t, formatGuard, c.MaxMsgSize)
	assert.False(t, p.Older())
}

// TestAStreamIsSwitchedOnceAllCan: not before, and not when that is said once; and for good.
func TestAStreamIsSwitchedOnceAllCan(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	plainStream(t, nc)
	var asked, may atomic.Int32
	var log logbuffer.Buffer
	opts := Options{CompareEvery: 20 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	other := open(t, connect(t, nc.ConnectedUrl()), opts)
	opts.Switch = func(format int) bool {
		assert.Equal(t, 2, format)
		asked.Add(1)
		return asked.Load() == 3 || may.Load() == 1
	}
	p := open(t, nc, opts)
	r := newRoom("room").join("ann")
	update(t, p, r)
	require.Eventually(t, func() bool { return asked.Load() > 6 }, maxResends, time.Millisecond)
	assert.Equal(t, formatPlain, p.format())
	assert.Empty(t, configOf(t, p).Metadata["rollcall_format"])

	may.Store(1)
	require.Eventually(t, func() bool { return p.format() == 2 && other.format() == 2 }, maxResends, time.Millisecond)
	assert.EqualValues(t, formatGuard, configOf(t, p).MaxMsgSize)
	assert.Equal(t, 1, strings.Count(log.String(), "of a newer format"), "%s", log.String())
	update(t, other, r.join("bob"))
	verify(t, nc, p, r.id)
	assert.EqualValues(t, 1, load(t, p, r.id).State.Chain.Events)
	may.Store(0)
	calls := asked.Load()
	edited(t, p, func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 })
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "changed the limits") }, maxResends, time.Millisecond)
	assert.Equal(t, 2, p.format())
	assert.Equal(t, calls, asked.Load(), "there is nothing to ask for any more")
}

// What marks the format is put back when somebody takes it away.
func TestTheFormatIsKept(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*jetstream.StreamConfig){
		"metadata": func(c *jetstream.StreamConfig) { delete(c.Metadata, "rollcall_format") },
		"guard":    func(c *jetstream.StreamConfig) { c.MaxMsgSize = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, log := watchful(t)
			edited(t, p, set)
			require.Eventually(t, func() bool { return strings.Contains(log.String(), "changed back") }, maxResends, time.Millisecond)
			c := configOf(t, p)
			assert.Equal(t, "2", c.Metadata["rollcall_format"])
			assert.EqualValues(t, formatGuard, c.MaxMsgSize)
			assert.Equal(t, 2, p.format())
		})
	}
}

func TestAStreamOfANewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	for format, says := range map[string]string{
		"3": "rollcall_format is 3, and this Rollcall knows 2 at most: a newer one wrote it",
		"x": `rollcall_format is "x", which is no format`,
		"0": `rollcall_format is "0"`,
	} {
		nc := existing(t, func(c *jetstream.StreamConfig) { c.Metadata = map[string]string{"rollcall_format": format} })
		_, err := Open(t.Context(), nc, Options{})
		require.ErrorIs(t, err, ErrStreamConfig)
		require.ErrorContains(t, err, says)
	}
}

// A stream that was lost is made again in the format that it had.
func TestAStreamThatIsMadeAgainIsOfTheSameFormat(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	plainStream(t, nc)
	p := open(t, nc, Options{})
	require.NoError(t, p.js.DeleteStream(t.Context(), "CONFERENCE"))
	require.Eventually(t, func() bool {
		_, err := p.Load(t.Context(), "room")
		return err == nil
	}, maxResends, 20*time.Millisecond)
	assert.Empty(t, configOf(t, p).Metadata["rollcall_format"])
	assert.Equal(t, formatPlain, p.format())
}
