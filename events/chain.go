package events

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// NoHash is the [Event.Previous] of the first event of a chain.
const NoHash = "0000000000000000000000000000000000000000000000000000000000000000"

// SaltBytes is how many random bytes an event's salt stands for.
const SaltBytes = 16

// saltLength is how many characters of base64url they are.
const saltLength = 22

// ErrChain is wrapped by the errors of what does not fit into a meeting's chain of events.
var ErrChain = errors.New("the chain is broken")

// Hash is the SHA-256 hash of an event's payload.
type Hash [sha256.Size]byte

// HashOf hashes a payload: the bytes of the message, as they are stored.
func HashOf(payload []byte) Hash { return sha256.Sum256(payload) }

// String is the hash as it stands in [Event.Previous].
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what String has written, and nothing else.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if !isHash(s) {
		return h, fmt.Errorf("%w: %.80q is no SHA-256 hash in lower-case hex", ErrChain, s)
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err
}

func isHash(s string) bool {
	if len(s) != len(NoHash) {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Chain is how far the chain of a meeting's events has come. The zero value is before the first.
type Chain struct {
	// Events is how many events there were since the chain began.
	Events uint64
	// Last is the hash of the last of them.
	Last Hash
}

// Begun tells whether there is an event in the chain.
func (c Chain) Begun() bool { return c.Events > 0 }

// Add returns the chain with one more event, whatever the event says came before it.
func (c Chain) Add(payload []byte) Chain { return Chain{Events: c.Events + 1, Last: HashOf(payload)} }

// Follow returns the chain with one more event, which has to be the next: its payload as it is
// stored, and what [Decode] reads of it. Each event of a meeting has to be given once, in the order
// of the stream, from the first that is chained on. An event that does not follow, or whose seal
// says otherwise, gives an error that wraps [ErrChain]. Whether the seal is signed, and by whom, is
// for [CheckSeal].
func (c Chain) Follow(payload []byte, e *Event) (Chain, error) {
	switch {
	case e.Previous == "":
		return c, fmt.Errorf("%w: event %s is not chained", ErrChain, e.ID)
	case e.Previous != c.Last.String():
		return c, fmt.Errorf("%w: event %s follows upon %.80s, not upon %s", ErrChain, e.ID, e.Previous, c.Last)
	}
	if s := e.Seal(); s != nil && (s.Events != c.Events || s.Hash != e.Previous) {
		return c, fmt.Errorf("%w: the seal of event %s is of %d events up to %.80s, not of %d up to %s",
			ErrChain, e.ID, s.Events, s.Hash, c.Events, c.Last)
	}
	return c.Add(payload), nil
}

// checkChain holds an event that is written to what is promised of its chain.
func (e *Event) checkChain() error {
	switch {
	case e.Previous == "" && e.Salt == "" && e.Seal() == nil:
		return nil
	case !e.Type.Chained():
		return fmt.Errorf("%w %s: %s is in no chain", ErrInvalid, e.ID, e.Type)
	case !isHash(e.Previous):
		return fmt.Errorf("%w %s: previous %.80q", ErrInvalid, e.ID, e.Previous)
	case len(e.Salt) != saltLength || !isBase64URL(e.Salt):
		return fmt.Errorf("%w %s: salt of %d characters", ErrInvalid, e.ID, len(e.Salt))
	}
	return nil
}

func isBase64URL(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
