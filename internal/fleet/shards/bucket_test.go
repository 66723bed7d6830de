package shards

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// existing creates the bucket's stream as somebody else might have.
func existing(t *testing.T, js jetstream.JetStream, config jetstream.StreamConfig) {
	t.Helper()
	config.Name = streamName
	if config.Subjects == nil {
		config.Subjects = []string{keyPrefix + ">"}
	}
	_, err := js.CreateStream(t.Context(), config)
	require.NoError(t, err)
}

func TestExistingBucketIsAdopted(t *testing.T) {
	t.Parallel()
	for name, have := range map[string]jetstream.StreamConfig{
		"plain":           {MaxMsgsPerSubject: 1, AllowDirect: true, AllowRollup: true, DenyDelete: true},
		"keys expire":     {MaxMsgsPerSubject: 1, MaxAge: time.Minute, AllowMsgTTL: true, SubjectDeleteMarkerTTL: time.Second},
		"history":         {MaxMsgsPerSubject: 5, Description: "mine"},
		"another feed":    {MaxMsgsPerSubject: 1, RePublish: &jetstream.RePublish{Source: ">", Destination: "elsewhere.>"}},
		"in memory":       {MaxMsgsPerSubject: 1, Storage: jetstream.MemoryStorage},
		"bounded":         {MaxBytes: 1 << 20, Discard: jetstream.DiscardNew},
		"other keys":      {Subjects: []string{"x.>"}},
		"no direct reads": {},
	} {
		t.Run(name, func(t *testing.T) {
			url := startServer(t)
			js, err := jetstream.New(connect(t, url))
			require.NoError(t, err)
			existing(t, js, have)
			a := start(t, url, Options{TTL: forever})
			atOnce(t, hasAll(a), "all shards")
			st, err := js.Stream(t.Context(), streamName)
			require.NoError(t, err)
			got := st.CachedInfo().Config
			assert.Equal(t, adapted(got, 1), got)
			assert.Equal(t, have.Storage, got.Storage)
			assert.Equal(t, have.Description, got.Description, "what does not matter stays")
			a.stop()
		})
	}
}

func TestUnusableBucketIsRefused(t *testing.T) {
	t.Parallel()
	conn := connect(t, startServer(t))
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	existing(t, js, jetstream.StreamConfig{DenyPurge: true})
	_, err = Open(t.Context(), conn, Options{})
	require.ErrorIs(t, err, ErrBucket)
	var answer *jetstream.APIError
	require.ErrorAs(t, err, &answer, "and why")
}

func TestCopiesAreNeverTakenAway(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 3, adapted(jetstream.StreamConfig{Replicas: 3}, 1).Replicas)
	assert.Equal(t, 3, adapted(jetstream.StreamConfig{Replicas: 1}, 3).Replicas)
}

func TestOpeningTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	conn := connect(t, startServer(t))
	log := &logbuffer.Buffer{}
	opts := Options{Logger: slog.New(slog.NewTextHandler(log, nil))}
	for range 2 {
		_, err := Open(t.Context(), conn, opts)
		require.NoError(t, err)
	}
	assert.Contains(t, log.String(), "created the bucket")
	assert.NotContains(t, log.String(), "updated")
}

func TestWritesStateWhatTheyReplace(t *testing.T) {
	t.Parallel()
	conn := connect(t, startServer(t))
	b, err := openBucket(t.Context(), conn, 1, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	view, err := b.read(t.Context(), 0)
	require.NoError(t, err, "an empty bucket")
	assert.Zero(t, view.upTo)

	first, err := b.put(t.Context(), "k", []byte("1"), 0)
	require.NoError(t, err)
	_, err = b.put(t.Context(), "k", []byte("2"), 0)
	require.ErrorIs(t, err, errChanged)
	second, err := b.put(t.Context(), "k", []byte("2"), first)
	require.NoError(t, err)
	require.ErrorIs(t, b.remove(t.Context(), "k", first), errChanged)
	require.NoError(t, b.remove(t.Context(), "k", second))
	_, err = b.put(t.Context(), "k", []byte("3"), second)
	require.ErrorIs(t, err, errChanged, "it does not come back to life")
	view, err = b.read(t.Context(), second)
	require.NoError(t, err)
	assert.Equal(t, second+1, view.upTo)

	require.NoError(t, b.js.DeleteKeyValue(t.Context(), Bucket))
	_, err = b.put(t.Context(), "k", nil, 0)
	require.ErrorIs(t, err, jetstream.ErrNoStreamResponse)
}

// TestTheRemovedStayRemoved kills a server after the memory of replicas that have left has expired:
// they must not be back.
func TestTheRemovedStayRemoved(t *testing.T) {
	t.Parallel()
	dir := disk.Fast(t)
	server := child.Start(t, childServer+"="+dir)
	b, err := openBucket(t.Context(), connect(t, server.Line(t)), 1, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	const gone = 10
	for n := range gone + 1 {
		key, revision := replicaPrefix+strconv.Itoa(n), uint64(0)
		for range 3 {
			revision, err = b.put(t.Context(), key, []byte(`{"name":"r","ttl":1000}`), revision)
			require.NoError(t, err)
		}
		if n == gone {
			continue
		}
		left := nats.NewMsg(keyPrefix + key)
		left.Header.Set(operation, "PURGE")
		left.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
		_, err = b.publish(t.Context(), left, jetstream.WithMsgTTL(time.Second), jetstream.WithExpectLastSequencePerSubject(revision))
		require.NoError(t, err)
	}
	eventually(t, func() bool { return messages(t, b) == 1 }, "the memory expires")
	for range 2 {
		server.Kill()
		server = child.Start(t, childServer+"="+dir)
		b, err = openBucket(t.Context(), connect(t, server.Line(t)), 1, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		// The memory itself may be back for a moment, and expires again; an announcement would
		// stay.
		eventually(t, func() bool { return messages(t, b) == 1 }, "nobody is back")
	}
}

// messages is how many messages the bucket holds.
func messages(t *testing.T, b *bucket) uint64 {
	t.Helper()
	st, err := b.js.Stream(t.Context(), streamName)
	require.NoError(t, err)
	return st.CachedInfo().State.Msgs
}
