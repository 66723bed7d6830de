package events

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"

	"github.com/nats-io/nkeys"
)

// Seal says in an event what came before it in the meeting's chain, and is signed: who cannot sign
// can change, add or leave out nothing up to it, the sealing event included.
type Seal struct {
	// Events is how many events the chain had before this one.
	Events uint64 `json:"events"`
	// Hash is the hash of the last of them: the event's Previous.
	Hash string `json:"hash"`
	// Key is the public key of the signature, as NATS's nkeys write one of a user ("U...").
	Key string `json:"key"`
	// Signature is the Ed25519 signature of [SealText], in base64url without padding.
	Signature string `json:"signature"`
}

// signatures are read strictly: each has exactly one way to be written.
var signatures = base64.RawURLEncoding.Strict()

// Seal is the event's seal; nil when it has none.
func (e *Event) Seal() *Seal {
	switch {
	case e.Meeting != nil:
		return e.Meeting.Seal
	case e.Gap != nil:
		return e.Gap.Seal
	case e.Erased != nil:
		return e.Erased.Seal
	default:
		return nil
	}
}

// SealText is what a seal signs: the source of the event, what came before it, and the event
// itself, by the hash of its payload with a signature that is empty.
func SealText(source string, s *Seal, unsigned Hash) []byte {
	text := append(make([]byte, 0, 384), "rollcall-seal/1\n"...)
	text = append(append(text, source...), '\n')
	text = append(strconv.AppendUint(text, s.Events, 10), '\n')
	text = append(append(text, s.Hash...), '\n')
	return append(append(text, unsigned.String()...), '\n')
}

// signatureKey stands before the signature in a payload, and nowhere else: in a text its quotation
// marks would be escaped.
const signatureKey = `"signature":"`

// SignatureAt finds where the signature of a seal stands in the payload of an event that [Encode]
// wrote: payload[from:to] is its text.
func SignatureAt(payload []byte) (from, to int, err error) {
	from = bytes.Index(payload, []byte(signatureKey)) + len(signatureKey)
	if from < len(signatureKey) || bytes.Contains(payload[from:], []byte(signatureKey)) {
		return 0, 0, fmt.Errorf("%w: a sealing event has one signature", ErrChain)
	}
	length := bytes.IndexByte(payload[from:], '"')
	if length < 0 {
		return 0, 0, fmt.Errorf("%w: the signature does not end", ErrChain)
	}
	return from, from + length, nil
}

// CheckSeal returns an error that wraps [ErrChain] unless the seal of an event was signed by the key
// that it names. Whether that key is to be trusted is for the caller, and whether what the seal says
// is so for [Chain.Follow].
func CheckSeal(payload []byte, e *Event) error {
	s := e.Seal()
	if s == nil {
		return fmt.Errorf("%w: event %s has no seal", ErrChain, e.ID)
	}
	from, to, err := SignatureAt(payload)
	if err != nil {
		return err
	}
	if string(payload[from:to]) != s.Signature { // written otherwise, it would not be seen in the hash
		return fmt.Errorf("%w: the signature of event %s is not written as it should be", ErrChain, e.ID)
	}
	unsigned := slices.Concat(payload[:from], payload[to:])
	signature, err := signatures.DecodeString(s.Signature)
	if err != nil {
		return fmt.Errorf("%w: the signature of event %s is no base64url", ErrChain, e.ID)
	}
	key, err := nkeys.FromPublicKey(s.Key)
	if err != nil {
		return fmt.Errorf("%w: the key of event %s: %w", ErrChain, e.ID, err)
	}
	if err := key.Verify(SealText(e.Source, s, HashOf(unsigned)), signature); err != nil {
		return fmt.Errorf("%w: event %s is not signed by %s: %w", ErrChain, e.ID, s.Key, err)
	}
	return nil
}

// FormatSignature writes a signature as it stands in a seal.
func FormatSignature(signature []byte) string { return signatures.EncodeToString(signature) }
