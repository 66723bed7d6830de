package publisher

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// A state names everybody of its meeting, and the server keeps states that were replaced for weeks:
// they cannot be overwritten one by one. So every state is sealed with a key of its meeting, which
// is a message of its own: once that is overwritten, none of them can be read any more. The key is
// stored in the batch of the first state that is sealed with it, and stays as it is until somebody
// has to be forgotten.

const keyPrefix = "rollcall.key."

// StatesAndKeys matches the subjects of all states and keys, and more. The server finds the
// messages of one subject with wildcards faster than those of several subjects.
const StatesAndKeys = "rollcall.>"

// KeySubject is the subject of the key that a meeting's states are sealed with. Its last message is
// the key; older ones are yet to be overwritten.
func KeySubject(conferenceID string) string {
	return keyPrefix + strconv.Itoa(events.Shard(conferenceID)) + "." + conferenceID
}

// keyFormat is the first byte of a stored key.
const keyFormat = 1

// A sealed state is its format, the id of its key, a nonce, and what AES-128-GCM makes of the state
// as it is stored without a key. The meeting's id is authenticated with it.
const (
	keyIDSize  = 4
	nonceSize  = 12
	sealedHead = 1 + keyIDSize + nonceSize
)

// errOtherKey says that a state is sealed with another key than the one at hand.
var errOtherKey = errors.New("it is sealed with another key than the meeting's")

// keyID tells the keys of one meeting apart, and nothing about them.
func keyID(k diff.Key) [keyIDSize]byte {
	sum := sha256.Sum256(k[:])
	return [keyIDSize]byte(sum[:])
}

func newKey() (k diff.Key) {
	_, _ = rand.Read(k[:]) // it never fails
	return k
}

func aead(k diff.Key) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal seals, in place, what follows room for the head of a sealed state.
func seal(buf []byte, k diff.Key, conferenceID string) ([]byte, error) {
	gcm, err := aead(k)
	if err != nil {
		return nil, err
	}
	id := keyID(k)
	buf[0] = sealedFormat
	copy(buf[1:], id[:])
	nonce := buf[1+keyIDSize : sealedHead]
	_, _ = rand.Read(nonce)
	return gcm.Seal(buf[:sealedHead], nonce, buf[sealedHead:], []byte(conferenceID)), nil
}

// unseal returns what a sealed state holds.
func unseal(data []byte, k diff.Key, conferenceID string) ([]byte, error) {
	if len(data) < sealedHead {
		return nil, fmt.Errorf("%w: cut short", diff.ErrCorruptState)
	}
	if id := keyID(k); k.IsZero() || [keyIDSize]byte(data[1:]) != id {
		return nil, fmt.Errorf("%w: %w", diff.ErrCorruptState, errOtherKey)
	}
	gcm, err := aead(k)
	if err != nil {
		return nil, err
	}
	raw, err := gcm.Open(nil, data[1+keyIDSize:sealedHead], data[sealedHead:], []byte(conferenceID))
	if err != nil {
		return nil, fmt.Errorf("%w: unseal: %w", diff.ErrCorruptState, err)
	}
	return raw, nil
}

// isSealed tells whether a stored state is sealed.
func isSealed(data []byte) bool { return len(data) > 0 && data[0] == sealedFormat }

// addKey adds the message of a key, before the state that is the first to be sealed with it.
func (j *job) addKey(k diff.Key) {
	j.msgs = append(j.msgs, &nats.Msg{
		Subject: ingest + KeySubject(j.meeting), Header: make(nats.Header, 4), Data: append([]byte{keyFormat}, k[:]...),
	})
}

// decodeKey reads a stored key.
func decodeKey(data []byte) (k diff.Key, err error) {
	switch {
	case len(data) > 0 && data[0] > keyFormat:
		return k, fmt.Errorf("%w: key of format %d, known up to %d", diff.ErrNewerVersion, data[0], keyFormat)
	case len(data) != 1+len(k) || data[0] != keyFormat:
		return k, fmt.Errorf("%w: its key is none", diff.ErrCorruptState)
	}
	return diff.Key(data[1:]), nil
}

// keyOf asks the leader for the key of a meeting's states; zero when there is none.
func (p *Publisher) keyOf(ctx context.Context, conferenceID string) (k diff.Key, err error) {
	m, err := p.lastMessage(ctx, KeySubject(conferenceID))
	if err != nil || m == nil {
		return k, err
	}
	return decodeKey(m.Data)
}

// seals tells whether a state that replaces one with such a key is to be sealed. One that follows
// on a sealed state is in any case, so that a replica that does not know yet undoes nothing.
func (p *Publisher) seals(k diff.Key) bool { return p.format() >= formatChained || !k.IsZero() }
