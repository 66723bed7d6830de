package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/stored/audit"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/publisher"
)

// patience is how long anything may take that is waited for.
const patience = time.Minute

func TestMain(m *testing.M) { leak.Main(m) }

// key is a key of a service, the same for the same number.
func key(tb testing.TB, n byte) (nkeys.KeyPair, string) {
	tb.Helper()
	pair, err := nkeys.FromRawSeed(nkeys.PrefixByteUser, bytes.Repeat([]byte{n}, 32))
	require.NoError(tb, err)
	public, err := pair.PublicKey()
	require.NoError(tb, err)
	return pair, public
}

// world is a server with a log.
type world struct {
	t *testing.T
	*streamtest.Server
	*streamtest.Recorder
	js     jetstream.JetStream
	pair   nkeys.KeyPair
	public string
	ended  int
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, Server: streamtest.Start(t)}
	w.pair, w.public = key(t, 1)
	w.record()
	return w
}

func (w *world) record() {
	w.Recorder = w.RecordAs(publisher.Options{Signer: w.pair})
	w.js = w.JetStream()
}

// end stores a meeting that is over.
func (w *world) end(meetings int) {
	w.t.Helper()
	for range meetings {
		w.ended++
		id := fmt.Sprintf("m%d", w.ended)
		w.Watch(id, streamtest.Begin, diff.Description{Title: "Weekly"})
		w.End(id, streamtest.Begin+60_000)
	}
}

// options are those of a log that signs at once.
func (w *world) options() audit.Options {
	return audit.Options{JetStream: w.js, Signer: w.pair, Teller: w.Publisher, Interval: time.Nanosecond, Replicas: 1, Mine: func() bool { return true }}
}

// run runs a log until the returned function is called, or the test ends.
func (w *world) run(opts audit.Options) (*audit.Log, func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := audit.New(opts)
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	stop := func() {
		cancel()
		running.Wait()
	}
	w.t.Cleanup(stop)
	return l, stop
}

// becomes waits until a checkpoint is of a log of so many leaves, which are the ends in the order of
// the stream, and told.
func (w *world) becomes(size int) evidence.Checkpoint {
	w.t.Helper()
	var c evidence.Checkpoint
	var note []byte
	require.Eventually(w.t, func() bool {
		var err error
		note, err = audit.Checkpoint(w.t.Context(), w.js)
		if err != nil || note == nil {
			return false
		}
		c, _, err = evidence.OpenCheckpoint(note, []string{w.public})
		require.NoError(w.t, err)
		told := w.told()
		return c.Size == int64(size) && len(told) > 0 && told[len(told)-1] == string(note)
	}, patience, 10*time.Millisecond, "it is of %d", c.Size)
	leaves, err := audit.Leaves(w.t.Context(), w.js, c.Size)
	require.NoError(w.t, err)
	var tree evidence.Tree
	for _, leaf := range leaves {
		tree.Add(leaf)
	}
	require.Equal(w.t, tree.Root(), c.Root)
	return c
}

// stored reads the events of a type.
func (w *world) stored(t events.Type) [][]byte {
	w.t.Helper()
	r, err := reading.Open(w.t.Context(), w.js, reading.Options{Subjects: reading.Subjects("", t)})
	require.NoError(w.t, err)
	var payloads [][]byte
	require.NoError(w.t, r.Run(w.t.Context(), func(m reading.Message) error {
		payloads = append(payloads, m.Data)
		return nil
	}))
	return payloads
}

// told are the checkpoints that are stored as events.
func (w *world) told() (notes []string) {
	w.t.Helper()
	for _, payload := range w.stored(events.AuditCheckpoint) {
		e, err := events.Decode(payload)
		require.NoError(w.t, err)
		notes = append(notes, e.Checkpoint.Checkpoint)
	}
	return notes
}

// inOrder checks that the log has the ends that are stored, in their order.
func (w *world) inOrder(size int) {
	w.t.Helper()
	leaves, err := audit.Leaves(w.t.Context(), w.js, int64(size))
	require.NoError(w.t, err)
	var want []evidence.Hash
	for _, payload := range w.stored(events.MeetingEnded) {
		want = append(want, evidence.LeafHash(events.HashOf(payload)))
	}
	require.Equal(w.t, want, leaves)
}

func TestWhatEndsIsInTheLog(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.end(300) // more than a tile
	opts, said := w.options(), &logbuffer.Buffer{}
	opts.Logger = slog.New(slog.NewTextHandler(said, nil))
	l, stop := w.run(opts)
	w.becomes(300)
	w.end(3)
	w.becomes(303)
	w.inOrder(303)
	require.NoError(t, l.Err())
	stop()
	assert.Equal(t, 1, strings.Count(said.String(), "the log of meetings begins"), said.String())
	// Another replica goes on.
	w.end(2)
	_, stop = w.run(w.options())
	w.becomes(305)
	w.inOrder(305)
	stop()
	told := w.told()
	// Nothing new, nothing told.
	_, stop = w.run(w.options())
	w.becomes(305)
	stop()
	assert.Equal(t, told, w.told())
}

// TestTheFirstCheckpointComesAtOnceAndTheNextAfterTheInterval by a clock of the test.
func TestTheFirstCheckpointComesAtOnceAndTheNextAfterTheInterval(t *testing.T) {
	t.Parallel()
	w := start(t)
	var now atomic.Int64
	now.Store(1_800_000_000)
	opts := w.options()
	opts.Interval, opts.Now = time.Hour, func() time.Time { return time.Unix(now.Load(), 0) }
	w.run(opts)
	w.end(1)
	assert.Equal(t, time.Unix(1_800_000_000, 0).UTC(), w.becomes(1).Signed)
	w.end(1)
	require.Eventually(t, func() bool { // it is in the log
		leaves, err := audit.Leaves(t.Context(), w.js, 2)
		return err == nil && len(leaves) == 2
	}, patience, 10*time.Millisecond)
	now.Add(3599)
	assert.Equal(t, int64(1), w.becomes(1).Size)
	now.Add(1)
	assert.Equal(t, time.Unix(1_800_003_600, 0).UTC(), w.becomes(2).Signed, "not before")
	assert.Len(t, w.told(), 2)
}

// TestReplicasAtOnce add each end once.
func TestReplicasAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	for range 3 {
		w.run(w.options())
	}
	w.end(40)
	w.becomes(40)
	w.inOrder(40)
}

// TestItIsAddedToByTheReplicaWhoseTurnItIs and by nobody else.
func TestItIsAddedToByTheReplicaWhoseTurnItIs(t *testing.T) {
	t.Parallel()
	w := start(t)
	var mine atomic.Int64
	for i := range int64(2) {
		opts := w.options()
		opts.Mine = func() bool { return mine.Load() == i }
		w.run(opts)
	}
	w.end(2)
	w.becomes(2)
	mine.Store(2)
	mine.Store(1)
	w.end(2)
	w.becomes(4)
	w.inOrder(4)
}

// killed fails a write of a kind, before or after it is stored, as a kill then would look.
type killed struct {
	jetstream.JetStream
	subject string
	after   bool
	done    atomic.Bool
}

var errKilled = errors.New("killed")

func (k *killed) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if !bytes.HasPrefix([]byte(msg.Subject), []byte(k.subject)) || !k.done.CompareAndSwap(false, true) {
		return k.JetStream.PublishMsg(ctx, msg, opts...)
	}
	if k.after {
		if _, err := k.JetStream.PublishMsg(ctx, msg, opts...); err != nil {
			return nil, err
		}
	}
	return nil, errKilled
}

// teller fails the first time, before or after it has told.
type teller struct {
	audit.Teller
	after bool
	done  atomic.Bool
}

func (k *teller) TellCheckpoint(ctx context.Context, signed string, size int64, at time.Time) error {
	if !k.done.CompareAndSwap(false, true) {
		return k.Teller.TellCheckpoint(ctx, signed, size, at)
	}
	if k.after {
		if err := k.Teller.TellCheckpoint(ctx, signed, size, at); err != nil {
			return err
		}
	}
	return errKilled
}

// TestKilledAtAnyStep goes on with the same log, nothing twice and nothing lost.
func TestKilledAtAnyStep(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"rollcall.audit.tile.0", "rollcall.audit.tile.1", "rollcall.audit.checkpoint", "event"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(subject, after), func(t *testing.T) {
				t.Parallel()
				w := start(t)
				meetings := 3
				if subject == "rollcall.audit.tile.1" {
					meetings = 258
				}
				w.end(meetings)
				opts := w.options()
				k, told := &killed{JetStream: w.js, subject: subject, after: after}, &teller{Teller: w.Publisher, after: after}
				if opts.JetStream = k; subject == "event" {
					opts.JetStream, opts.Teller = w.js, told
				}
				_, stop := w.run(opts)
				require.Eventually(t, func() bool { return k.done.Load() || told.done.Load() }, patience, time.Millisecond)
				stop()
				w.end(1)
				w.run(w.options())
				w.becomes(meetings + 1)
				w.inOrder(meetings + 1)
				seen := map[string]bool{}
				for _, note := range w.told() {
					assert.False(t, seen[note], "told twice")
					seen[note] = true
				}
			})
		}
	}
}

// TestWhatWasChangedIsNotSigned tells of a log that somebody has changed who cannot sign.
func TestWhatWasChangedIsNotSigned(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world, tile []byte){
		"another leaf": func(w *world, tile []byte) { tile[3]++; w.put("rollcall.audit.tile.0", tile) },
		"a leaf less":  func(w *world, tile []byte) { w.put("rollcall.audit.tile.0", tile[:64]) },
		"no tile":      func(w *world, _ []byte) { w.purge("rollcall.audit.tile.0") },
		"a forged checkpoint": func(w *world, _ []byte) {
			note, err := audit.Checkpoint(w.t.Context(), w.js)
			require.NoError(w.t, err)
			w.put("rollcall.audit.checkpoint", bytes.Replace(note, []byte("\n3\n"), []byte("\n2\n"), 1))
		},
		"no checkpoint at all": func(w *world, _ []byte) { w.put("rollcall.audit.checkpoint", []byte("hello")) },
		"no log at all":        func(w *world, _ []byte) { w.deleteLog() },
		"no log, and a checkpoint of somebody else": func(w *world, _ []byte) {
			w.deleteLog()
			w.tellForged(1)
		},
		"no checkpoint, and other leaves": func(w *world, tile []byte) {
			w.purge("rollcall.audit.checkpoint")
			tile[3]++
			w.put("rollcall.audit.tile.0", append(tile, tile...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.end(3)
			_, stop := w.run(w.options())
			w.becomes(3)
			stop()
			leaves, err := audit.Leaves(t.Context(), w.js, 3)
			require.NoError(t, err)
			var tile []byte
			for _, leaf := range leaves {
				tile = append(tile, leaf[:]...)
			}
			change(w, tile)
			told := w.told()
			w.end(1)
			l, stop := w.run(w.options())
			require.Eventually(t, func() bool { return errors.Is(l.Err(), audit.ErrDamaged) }, patience, time.Millisecond)
			stop()
			assert.Equal(t, told, w.told())
		})
	}
}

// TestTheLogIsNotSetBack to an older one, which is consistent in itself.
func TestTheLogIsNotSetBack(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.end(2)
	_, stop := w.run(w.options())
	w.becomes(2)
	stop()
	note, err := audit.Checkpoint(t.Context(), w.js)
	require.NoError(t, err)
	leaves, err := audit.Leaves(t.Context(), w.js, 2)
	require.NoError(t, err)
	w.end(1)
	_, stop = w.run(w.options())
	w.becomes(3)
	stop()
	w.put("rollcall.audit.tile.0", append(leaves[0][:], leaves[1][:]...))
	w.put("rollcall.audit.checkpoint", note)
	l, _ := w.run(w.options())
	require.Eventually(t, func() bool { return errors.Is(l.Err(), audit.ErrDamaged) }, patience, time.Millisecond)
	assert.ErrorContains(t, l.Err(), "of 3 leaves")
}

// TestACheckpointOfSomebodyElseKeepsNothingBack however large a log it is of.
func TestACheckpointOfSomebodyElseKeepsNothingBack(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.end(1)
	w.tellForged(1000)
	w.run(w.options())
	w.becomes(1)
}

// deleteLog takes the log out.
func (w *world) deleteLog() {
	w.t.Helper()
	require.NoError(w.t, w.js.DeleteStream(w.t.Context(), events.AuditStream))
}

// tellForged stores a checkpoint as an event that somebody has signed with a key of their own.
func (w *world) tellForged(size int64) {
	w.t.Helper()
	pair, _ := key(w.t, 2)
	note, err := evidence.Checkpoint{Origin: evidence.Origin(""), Size: size, Signed: time.Now()}.Sign(pair)
	require.NoError(w.t, err)
	require.NoError(w.t, w.Publisher.TellCheckpoint(w.t.Context(), string(note), size, time.Now()))
}

// put replaces a message of the log, with the headers it had.
func (w *world) put(subject string, data []byte) {
	w.t.Helper()
	stream, err := w.js.Stream(w.t.Context(), events.AuditStream)
	require.NoError(w.t, err)
	had, err := stream.GetLastMsgForSubject(w.t.Context(), subject)
	require.NoError(w.t, err)
	msg := nats.NewMsg(subject)
	msg.Data = data
	for _, name := range []string{"Rollcall-Stream", "Rollcall-Sequence", "Rollcall-Stored"} {
		msg.Header.Set(name, had.Header.Get(name))
	}
	_, err = w.js.PublishMsg(w.t.Context(), msg)
	require.NoError(w.t, err)
}

func (w *world) purge(subject string) {
	w.t.Helper()
	stream, err := w.js.Stream(w.t.Context(), events.AuditStream)
	require.NoError(w.t, err)
	require.NoError(w.t, stream.Purge(w.t.Context(), jetstream.WithPurgeSubject(subject)))
}

// TestAStreamThatIsAnother is read from its beginning: what is in the log already is not added
// again.
func TestAStreamThatIsAnother(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.end(5)
	backup := natstest.TakeBackup(t, w.Conn)
	w.end(2)
	opts := w.options()
	var err error
	opts.Teller, err = publisher.Open(t.Context(), w.Connect(), publisher.Options{}) // outlives the recorder
	require.NoError(t, err)
	w.run(opts)
	w.becomes(7)
	w.Recorder.Stop()
	require.NoError(t, w.js.DeleteStream(t.Context(), events.Stream))
	backup.Restore(t, w.js.Conn())
	w.record()
	w.end(1)
	w.becomes(8)
	leaves, err := audit.Leaves(t.Context(), w.js, 8)
	require.NoError(t, err)
	seen := map[evidence.Hash]bool{}
	for _, leaf := range leaves {
		assert.False(t, seen[leaf])
		seen[leaf] = true
	}
}

// TestWhatIsNotSealedIsNotInTheLog, and what somebody made up who cannot sign.
func TestWhatIsNotSealedIsNotInTheLog(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.pair, w.public = key(t, 1)
	unsealed := w.RecordAs(publisher.Options{})
	unsealed.Watch("u", streamtest.Begin, diff.Description{})
	unsealed.End("u", streamtest.Begin+60_000)
	w.end(1)
	forged := bytes.Replace(w.stored(events.MeetingEnded)[1], []byte("Weekly"), []byte("weekly"), 1)
	require.NoError(t, w.Conn.Publish("rollcall.in."+string(events.MeetingEnded), forged))
	require.NoError(t, w.Conn.Publish("rollcall.in."+string(events.MeetingEnded), []byte("hello")))
	require.NoError(t, w.Conn.Flush())
	w.end(1)
	w.run(w.options())
	w.becomes(2)
}
