package service

import (
	"context"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/publisher"
)

// keysFor is for how long the keys that seal are told as they were read: everybody may ask.
const keysFor = 5 * time.Second

// sealingKeys reads the keys that seal events, and remembers them for a while.
type sealingKeys struct {
	store *publisher.Publisher

	mu   sync.Mutex
	keys []httpapi.Key
	read time.Time
}

// SealingKeys implements [httpapi.Keys].
func (k *sealingKeys) SealingKeys(ctx context.Context) ([]httpapi.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.read.IsZero() && time.Since(k.read) < keysFor {
		return k.keys, nil
	}
	found, err := k.store.SealingKeys(ctx)
	if err != nil {
		return nil, conn.Plainly(err)
	}
	k.keys = make([]httpapi.Key, 0, len(found))
	for _, key := range found {
		k.keys = append(k.keys, httpapi.Key(key))
	}
	k.read = time.Now()
	return k.keys, nil
}
