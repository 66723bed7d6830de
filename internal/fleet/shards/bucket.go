package shards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// Bucket is the key-value bucket that the replicas share.
	Bucket = "ROLLCALL_SHARDS"
	// Feed is the wildcard of all subjects that the server tells on.
	Feed = feed + ">"
	// feed is where the server tells of what was stored in the bucket.
	feed = "rollcall.shards."

	keyPrefix  = "$KV." + Bucket + "."
	streamName = "KV_" + Bucket
	// operation is the header that says of a message that it removes its key.
	operation = "KV-Operation"
	// markerTTL is how long it is remembered that a replica has left. Nothing depends on it.
	markerTTL = time.Minute
)

// ErrBucket says that the bucket exists with a configuration that cannot be worked with or changed.
var ErrBucket = errors.New("bucket " + Bucket + " has a configuration that Rollcall cannot work with")

// bucket is what the replicas share. Every write states the revision it replaces: the server
// accepts it or nothing.
type bucket struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

// openAttempts bounds the rounds of looking and creating when several replicas start at the same
// moment.
const openAttempts = 5

// openBucket creates the bucket, or makes sure of the one that exists: it never has fewer copies
// afterwards.
func openBucket(ctx context.Context, conn *nats.Conn, replicas int, log *slog.Logger) (*bucket, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	for range openAttempts {
		st, err := js.Stream(ctx, streamName)
		if err == nil {
			return &bucket{conn: conn, js: js}, adopt(ctx, js, st.CachedInfo().Config, replicas, log)
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, fmt.Errorf("open bucket %s: %w", Bucket, err)
		}
		_, err = js.CreateStream(ctx, adapted(jetstream.StreamConfig{
			Name: streamName, Description: "Rollcall: which replica looks at which meetings",
			Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, DenyDelete: true,
		}, replicas))
		if err == nil {
			log.Info("created the bucket", "bucket", Bucket, "replicas", replicas)
			return &bucket{conn: conn, js: js}, nil
		}
		// Another replica may have created it since.
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return nil, fmt.Errorf("create bucket %s: %w", Bucket, err)
		}
	}
	return nil, fmt.Errorf("bucket %s is neither there nor can it be created", Bucket)
}

// adapted returns a configuration with what is needed: the last value of each key and no older one,
// which does not expire unless it says so, can be read together with all the others, and is told
// of.
func adapted(c jetstream.StreamConfig, replicas int) jetstream.StreamConfig {
	c.Subjects = []string{keyPrefix + ">"}
	// Every write rolls its key up. What a limit of 1 removed would be back once the server has
	// been killed: it takes down what it removes, except for the sake of a limit.
	c.MaxMsgsPerSubject = 2
	c.MaxAge = 0
	c.Replicas = max(c.Replicas, replicas)
	c.AllowDirect, c.AllowRollup, c.AllowMsgTTL, c.DenyPurge = true, true, true, false
	c.RePublish = &jetstream.RePublish{Source: keyPrefix + ">", Destination: feed + ">", HeadersOnly: true}
	return c
}

// adopt changes of an existing bucket what has to be.
func adopt(ctx context.Context, js jetstream.JetStream, have jetstream.StreamConfig, replicas int, log *slog.Logger) error {
	want := adapted(have, replicas)
	if reflect.DeepEqual(have, want) {
		return nil
	}
	if _, err := js.UpdateStream(ctx, want); err != nil {
		return fmt.Errorf("%w: %w", ErrBucket, err)
	}
	log.Info("updated the bucket", "bucket", Bucket, "replicas", want.Replicas)
	return nil
}

// errChanged says that a key is not what it was taken for: nothing was written.
var errChanged = errors.New("changed by somebody else")

// put replaces the revision of a key, 0 for none, and returns the new one. Any error but errChanged
// leaves it open whether that was done or will be.
func (b *bucket) put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	msg := nats.NewMsg(keyPrefix + key)
	msg.Data = value
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	ack, err := b.publish(ctx, msg, jetstream.WithExpectLastSequencePerSubject(revision))
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", key, err)
	}
	return ack.Sequence, nil
}

// remove removes a key if revision is its last, or whatever its last is when revision is 0. Its
// removal is a purge of the key-value store, and remembered for a while.
func (b *bucket) remove(ctx context.Context, key string, revision uint64) error {
	msg := nats.NewMsg(keyPrefix + key)
	msg.Header.Set(operation, "PURGE")
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	opts := []jetstream.PublishOpt{jetstream.WithMsgTTL(markerTTL)}
	if revision != 0 {
		opts = append(opts, jetstream.WithExpectLastSequencePerSubject(revision))
	}
	if _, err := b.publish(ctx, msg, opts...); err != nil {
		return fmt.Errorf("remove %s: %w", key, err)
	}
	return nil
}

// publish is what the key-value store's own methods do, but that it fails at once when no stream
// takes the message.
func (b *bucket) publish(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := b.js.PublishMsg(ctx, msg, append(opts, jetstream.WithRetryAttempts(0))...)
	if answer, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch answer.ErrorCode {
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			return nil, errChanged
		}
	}
	return ack, err
}
