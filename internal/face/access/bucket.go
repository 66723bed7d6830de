package access

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/nats/conn"
)

// SessionBucket is where replicas keep the sessions.
const SessionBucket = "ROLLCALL_SESSIONS"

// storeTimeout bounds a request to the bucket.
const storeTimeout = 5 * time.Second

// ErrNotConnected says that sessions cannot be told yet.
var ErrNotConnected = errors.New("NATS, where the sessions are kept, has not been reached yet")

// Bucket keeps sessions in NATS. The bucket is made when there is the first session to keep.
type Bucket struct {
	Life     time.Duration
	Replicas int
	// JetStream returns where the bucket is; nil while NATS has not been reached.
	JetStream func() jetstream.JetStream

	mu   sync.Mutex
	open jetstream.KeyValue
}

var _ Store = (*Bucket)(nil)

// Put implements [Store].
func (b *Bucket) Put(ctx context.Context, key string, value []byte) error {
	return b.with(ctx, true, func(ctx context.Context, kv jetstream.KeyValue) error {
		_, err := kv.Put(ctx, key, value)
		return err
	})
}

// Get implements [Store].
func (b *Bucket) Get(ctx context.Context, key string) (value []byte, err error) {
	err = b.with(ctx, false, func(ctx context.Context, kv jetstream.KeyValue) error {
		entry, err := kv.Get(ctx, key)
		if err == nil {
			value = entry.Value()
		}
		return err
	})
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, ErrNoSession
	}
	return value, err
}

// Delete implements [Store].
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := b.with(ctx, false, func(ctx context.Context, kv jetstream.KeyValue) error { return kv.Purge(ctx, key) })
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	return err
}

// with does something with the bucket, which is opened anew where it was lost.
func (b *Bucket) with(ctx context.Context, create bool, do func(context.Context, jetstream.KeyValue) error) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	kv, err := b.bucket(ctx, create)
	if err != nil {
		return err
	}
	err = do(ctx, kv)
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		b.forget(kv)
	}
	return err
}

// bucket opens the bucket, unless it is open. Two that do so at once do the same twice.
func (b *Bucket) bucket(ctx context.Context, create bool) (kv jetstream.KeyValue, err error) {
	b.mu.Lock()
	kv = b.open
	b.mu.Unlock()
	if kv != nil {
		return kv, nil
	}
	js := b.JetStream()
	switch {
	case js == nil:
		return nil, ErrNotConnected
	case create:
		kv, err = conn.Bucket(ctx, js, jetstream.KeyValueConfig{
			Bucket: SessionBucket, Description: "Browsers that have logged in to Rollcall.",
			TTL: b.Life, Replicas: max(b.Replicas, 1), Storage: jetstream.FileStorage,
		})
	default:
		kv, err = js.KeyValue(ctx, SessionBucket)
	}
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = kv
	return kv, nil
}

func (b *Bucket) forget(kv jetstream.KeyValue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == kv {
		b.open = nil
	}
}
