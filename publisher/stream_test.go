package publisher

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

func TestStreamIsCreatedAsTheContractSays(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	st, err := p.js.Stream(t.Context(), "CONFERENCE")
	require.NoError(t, err)
	c := st.CachedInfo().Config
	assert.Equal(t, []string{"rollcall.in.>"}, c.Subjects)
	assert.Equal(t, &jetstream.SubjectTransformConfig{Source: "rollcall.in.>", Destination: ">"}, c.SubjectTransform)
	assert.Equal(t, &jetstream.RePublish{Source: "conference.>", Destination: "conference.>"}, c.RePublish)
	assert.Equal(t, jetstream.FileStorage, c.Storage)
	assert.Equal(t, jetstream.DiscardNew, c.Discard)
	assert.Zero(t, c.MaxAge)
	assert.Equal(t, 1, c.Replicas)
	assert.True(t, c.AllowAtomicPublish && c.AllowRollup && c.AllowDirect && c.AllowMsgTTL)
	still(t, p.nc, Options{}) // and again, as it is
}

func TestSeveralReplicasStartAtOnce(t *testing.T) {
	t.Parallel()
	url := startEmbedded(t, disk.Fast(t)).ClientURL()
	conns := []*nats.Conn{connect(t, url), connect(t, url), connect(t, url), connect(t, url)}
	for _, err := range each(len(conns), func(i int) error {
		_, err := Open(t.Context(), conns[i], Options{})
		return err
	}) {
		require.NoError(t, err)
	}
}

// existing creates the stream as other hands left it.
func existing(t *testing.T, set func(*jetstream.StreamConfig)) *nats.Conn {
	t.Helper()
	nc := connect(t, startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) }))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	cfg := streamConfig(1)
	set(&cfg)
	_, err = js.CreateStream(t.Context(), cfg)
	require.NoError(t, err)
	return nc
}

func TestExistingStreamIsMendedWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*jetstream.StreamConfig){
		"atomic":     func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false },
		"rollup":     func(c *jetstream.StreamConfig) { c.AllowRollup = false },
		"direct":     func(c *jetstream.StreamConfig) { c.AllowDirect = false },
		"ttl":        func(c *jetstream.StreamConfig) { c.AllowMsgTTL = false },
		"duplicates": func(c *jetstream.StreamConfig) { c.Duplicates = time.Hour },
		"discard":    func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"republish":  func(c *jetstream.StreamConfig) { c.RePublish = nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, existing(t, set), Options{Retention: time.Hour})
			st, err := p.js.Stream(t.Context(), events.Stream)
			require.NoError(t, err)
			_, left := improved(st.CachedInfo().Config, 1)
			assert.Empty(t, left)
			update(t, p, newRoom("room").join("ann"))
		})
	}
}

func TestExistingStreamKeepsWhatTheOperatorChose(t *testing.T) {
	t.Parallel()
	nc := existing(t, func(c *jetstream.StreamConfig) {
		c.Description, c.MaxBytes, c.Compression = "ours", 1<<30, jetstream.S2Compression
	})
	p := open(t, nc, Options{})
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	c := st.CachedInfo().Config
	assert.Equal(t, "ours", c.Description)
	assert.Equal(t, int64(1<<30), c.MaxBytes)
	assert.Equal(t, jetstream.S2Compression, c.Compression)
	update(t, p, newRoom("room").join("ann"))

	more := streamConfig(3)
	_, changes := improved(more, 1)
	assert.Empty(t, changes, "more replicas than asked for stay")
	_, changes = improved(streamConfig(1), 3)
	assert.Equal(t, []string{"num_replicas from 1 to 3"}, changes)
}

func TestExistingStreamIsRefusedByFieldWhereItCannotBeMended(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(*jetstream.StreamConfig)
		want []string
	}{
		"storage":              {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, []string{"storage is Memory, not File"}},
		"subjects":             {func(c *jetstream.StreamConfig) { c.Subjects = []string{"other.>"} }, []string{"subjects is [other.>], not [rollcall.in.>]"}},
		"transform":            {func(c *jetstream.StreamConfig) { c.SubjectTransform = nil }, []string{"subject_transform is none"}},
		"another republish":    {func(c *jetstream.StreamConfig) { c.RePublish.Destination = "x.>" }, []string{"republish is"}},
		"retention":            {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, []string{"retention is"}},
		"age":                  {func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, []string{"max_age is 1h0m0s, not 0"}},
		"messages per subject": {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, []string{"max_msgs_per_subject is 5"}},
		"message size":         {func(c *jetstream.StreamConfig) { c.MaxMsgSize = 500 }, []string{"max_msg_size is 500"}},
		"markers":              {func(c *jetstream.StreamConfig) { c.SubjectDeleteMarkerTTL = time.Hour }, []string{"subject_delete_marker_ttl"}},
		"no acknowledgements":  {func(c *jetstream.StreamConfig) { c.NoAck = true }, []string{"no_ack is true"}},
		"no purge":             {func(c *jetstream.StreamConfig) { c.DenyPurge, c.AllowRollup = true, false }, []string{"deny_purge is true"}},
		"several at once": {func(c *jetstream.StreamConfig) {
			c.MaxAge, c.NoAck, c.Storage = time.Hour, true, jetstream.MemoryStorage
		}, []string{"max_age", "no_ack", "storage"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), existing(t, tt.set), Options{})
			require.ErrorIs(t, err, ErrStreamConfig)
			for _, want := range tt.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
	mirrored := streamConfig(1)
	mirrored.Mirror, mirrored.Sealed, mirrored.AllowMsgCounter = &jetstream.StreamSource{Name: "X"}, true, true
	mirrored.Sources, mirrored.PersistMode = []*jetstream.StreamSource{{Name: "Y"}}, jetstream.AsyncPersistMode
	assert.Len(t, refusals(mirrored), 5)
}

// A server in the cluster that does not know a field ignores it.
func TestFieldsThatTheServerIgnoredAreSeen(t *testing.T) {
	t.Parallel()
	c := streamConfig(1)
	c.AllowAtomicPublish = false
	err := confirm(c, 1)
	require.ErrorIs(t, err, ErrStreamConfig)
	assert.ErrorContains(t, err, "allow_atomic")
	require.NoError(t, confirm(streamConfig(1), 1))
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	nc := connect(t, startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) }))
	for want, o := range map[string]Options{
		"replicas: 6":      {Replicas: 6},
		"replicas: -1":     {Replicas: -1},
		"retention: 500ms": {Retention: 500 * time.Millisecond},
		"retention: -1s":   {Retention: -time.Second},
		"0 keeps events":   {Retention: maxRetention + 1},
		"ack timeout":      {AckTimeout: -1},
		"give-up time":     {GiveUpAfter: -1},
	} {
		_, err := Open(t.Context(), nc, o)
		require.ErrorContains(t, err, want)
	}
	_, err := Open(t.Context(), connect(t, nc.ConnectedUrl(), nats.ReconnectBufSize(1024)), Options{})
	require.ErrorContains(t, err, "ReconnectBufSize(-1)")
	nc.Close()
	_, err = Open(t.Context(), nc, Options{})
	require.ErrorIs(t, err, nats.ErrDisconnected)
}
