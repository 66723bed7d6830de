package consumer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// KV is a [Memory] in a bucket of NATS, one key for each event. Give the bucket a TTL that is
// longer than any outage of the program, or it grows for ever; Rollcall's own retention is long
// enough.
type KV struct{ bucket jetstream.KeyValue }

// NewKV returns a memory in a bucket that belongs to one consumer.
func NewKV(bucket jetstream.KeyValue) *KV { return &KV{bucket} }

// key is one for any id, as keys may not have every character.
func key(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// Seen implements [Memory].
func (m *KV) Seen(ctx context.Context, id string) (bool, error) {
	_, err := m.bucket.Get(ctx, key(id))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Remember implements [Memory].
func (m *KV) Remember(ctx context.Context, id string) error {
	_, err := m.bucket.Put(ctx, key(id), nil)
	return err
}
