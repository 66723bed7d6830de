package bot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// remembered bounds how many events a robot's memory knows, at 8 bytes each.
const remembered = 4096

// memorySuffix is what the key of a memory has behind the robot's name: no name has a dot.
const memorySuffix = ".told"

// memory knows the latest events that a robot was told, or is to be told by what stands in its
// outbox. Where the stream was lost, events are announced anew with the ids they had: those are not
// told again. It is written after the entry that they became messages with, so that nothing counts
// as told that is not.
type memory struct {
	known map[fingerprint]struct{}
	list  []fingerprint // in the order they were told
}

// fingerprint is the beginning of the SHA-256 of an event's id.
type fingerprint [8]byte

func fingerprintOf(id string) fingerprint {
	sum := sha256.Sum256([]byte(id))
	return fingerprint(sum[:len(fingerprint{})])
}

func (m *memory) has(id string) bool {
	_, known := m.known[fingerprintOf(id)]
	return known
}

func (m *memory) add(f fingerprint) {
	if m.known == nil {
		m.known = map[fingerprint]struct{}{}
	}
	if _, known := m.known[f]; known {
		return
	}
	m.known[f] = struct{}{}
	if m.list = append(m.list, f); len(m.list) > remembered {
		delete(m.known, m.list[0])
		m.list = m.list[1:]
	}
}

// load adds what is kept of a robot to what is known already, which may be newer than a bucket that
// is a new one.
func (m *memory) load(ctx context.Context, b bucket, robot string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	got, err := b.Get(ctx, robot+memorySuffix)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read which events the robot was told: %w", err)
	}
	for rest := got.Value(); len(rest) >= len(fingerprint{}); rest = rest[len(fingerprint{}):] {
		m.add(fingerprint(rest[:len(fingerprint{})]))
	}
	return nil
}

// keep writes what is known.
func (m *memory) keep(ctx context.Context, b bucket, robot string) error {
	value := make([]byte, 0, len(m.list)*len(fingerprint{}))
	for _, f := range m.list {
		value = append(value, f[:]...)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	_, err := b.Put(ctx, robot+memorySuffix, value)
	return err
}
