package forget

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Robots is the bucket of what is told to group robots. Messages that are about to be sent stand in it,
// with names, and entries that were replaced stay in the server's files.
const Robots = "ROLLCALL_BOT"

// clearRobots leaves nothing of what was told to robots in the server's files: what the bucket holds
// is stored anew once all of it was removed, without the messages that name somebody. A bot that runs
// meanwhile goes on with what it knows, as when a bucket is lost.
func (x *Eraser) clearRobots(ctx context.Context, names names) error {
	kv, err := x.JetStream.KeyValue(ctx, Robots)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := kept(ctx, kv)
	if err != nil || len(entries) == 0 {
		return err
	}
	st, err := x.JetStream.Stream(ctx, "KV_"+Robots)
	if err == nil {
		err = st.Purge(ctx)
	}
	if err != nil {
		return err
	}
	for key, value := range entries {
		if _, err := kv.Create(ctx, key, without(value, names)); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
			return err
		}
	}
	return nil
}

// names are what somebody is called.
type names map[string]bool

func (n names) add(name string) {
	if name != "" {
		n[name] = true
	}
}

// in tells whether a text in JSON holds one of the names, however it is written.
func (n names) in(text []byte) bool {
	var value any
	if json.Unmarshal(text, &value) == nil {
		text = fmt.Append(nil, value)
	}
	for name := range n {
		if bytes.Contains(text, []byte(name)) {
			return true
		}
	}
	return false
}

// kept is what a bucket holds, by key.
func kept(ctx context.Context, kv jetstream.KeyValue) (map[string][]byte, error) {
	keys, err := kv.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for key := range keys.Keys() {
		entry, err := kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("entry %s of bucket %s: %w", key, Robots, err)
		}
		out[key] = entry.Value()
	}
	return out, nil
}

// without takes the messages out of an entry's outbox that hold one of the names.
func without(value []byte, names names) []byte {
	var entry map[string]json.RawMessage
	var outbox []json.RawMessage
	if json.Unmarshal(value, &entry) != nil || json.Unmarshal(entry["outbox"], &outbox) != nil {
		return value
	}
	left := []json.RawMessage{}
	for _, message := range outbox {
		if !names.in(message) {
			left = append(left, message)
		}
	}
	if len(left) == len(outbox) {
		return value
	}
	changed, err := json.Marshal(left)
	if err != nil {
		return value
	}
	entry["outbox"] = changed
	if changed, err = json.Marshal(entry); err != nil {
		return value
	}
	return changed
}
