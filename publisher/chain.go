package publisher

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Signer signs the seals of events: a key pair of NATS's nkeys does.
type Signer interface {
	// PublicKey is the public key as it stands in a seal.
	PublicKey() (string, error)
	// Sign returns the Ed25519 signature of a text.
	Sign(text []byte) ([]byte, error)
}

// linker writes the events of one commit into the chain of their meeting.
type linker struct {
	on     bool // events are chained
	chain  events.Chain
	signer Signer
	key    string // the signer's public key
	salts  []byte
}

// linker returns what continues the chain of a meeting with so many events. A chain that has begun
// goes on, whatever format this publisher takes the stream for.
func (p *Publisher) linker(from *diff.State, count int) (*linker, error) {
	l := &linker{chain: from.Chain, signer: p.opts.Signer, key: p.publicKey}
	if from.Phase == diff.Expired && count > 0 {
		l.chain = events.Chain{} // nothing of what came before is stored
	}
	l.on = l.chain.Begun() || p.format() >= formatChained
	if !l.on {
		return l, nil
	}
	l.salts = make([]byte, count*events.SaltBytes)
	_, err := rand.Read(l.salts)
	return l, err
}

// state is the state as it is stored with the events that were linked.
func (l *linker) state(s *diff.State) *diff.State {
	if !l.on {
		return s.Unchained()
	}
	return s.Chained(l.chain)
}

// encode writes the next event.
func (l *linker) encode(e events.Event) ([]byte, error) {
	if !l.on {
		return events.Encode(e)
	}
	e.Previous = l.chain.Last.String()
	e.Salt = base64.RawURLEncoding.EncodeToString(l.salts[:events.SaltBytes])
	l.salts = l.salts[events.SaltBytes:]
	payload, err := l.sealed(e)
	if err == nil {
		l.chain = l.chain.Add(payload)
	}
	return payload, err
}

// sealable tells whether events of its type carry a seal; a start does if it is not the first.
func sealable(e events.Event) bool {
	return e.Type == events.MeetingEnded || e.Type == events.MeetingGap || e.Type == events.MeetingStarted || e.Type == events.PersonErased
}

// sealed writes an event, with a seal if it is one that carries one: an end, a gap, what tells of
// erased events, and a start that is not the first of the chain.
func (l *linker) sealed(e events.Event) ([]byte, error) {
	if l.signer == nil || !sealable(e) || e.Type == events.MeetingStarted && !l.chain.Begun() {
		return events.Encode(e)
	}
	s := &events.Seal{Events: l.chain.Events, Hash: e.Previous, Key: l.key}
	e = withSeal(e, s)
	unsigned, err := events.Encode(e)
	if err != nil {
		return nil, err
	}
	signature, err := l.signer.Sign(events.SealText(e.Source, s, events.HashOf(unsigned)))
	if err != nil {
		return nil, fmt.Errorf("sign event %s: %w", e.ID, err)
	}
	s.Signature = events.FormatSignature(signature)
	return events.Encode(e)
}

// withSeal returns the event with a seal. Its data is another's, too, which is left as it is.
func withSeal(e events.Event, s *events.Seal) events.Event {
	switch {
	case e.Gap != nil:
		gap := *e.Gap
		gap.Seal, e.Gap = s, &gap
	case e.Erased != nil:
		erased := *e.Erased
		erased.Seal, e.Erased = s, &erased
	default:
		meeting := *e.Meeting
		meeting.Seal, e.Meeting = s, &meeting
	}
	return e
}

// resumed is how far a chain has come with one more of its stored events. A seal says how many came
// before it, also when they are not stored any more.
func resumed(c events.Chain, e *events.Event, payload []byte) events.Chain {
	switch seal := e.Seal(); {
	case e.Previous == "":
		return c
	case seal != nil:
		c.Events = seal.Events
	case e.Previous == events.NoHash:
		c.Events = 0
	case e.Erased != nil: // no seal says how many came before
		for _, hole := range e.Erased.Holes {
			if hole.Hash != "" {
				c.Events++
			}
		}
	}
	return c.Add(payload)
}
