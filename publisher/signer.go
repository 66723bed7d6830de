package publisher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Every key that seals stands in the stream before it does, so that all that have sealed can be
// listed, by any replica and from any copy of the stream.

const signerPrefix = "rollcall.signer."

// SealingKey is a key that seals events, or has done so.
type SealingKey struct {
	Public string
	// Current says that this publisher seals with it now.
	Current bool
	// Since is when the key was first used, by the server's clock.
	Since time.Time
}

// SealingKeys returns every key that has sealed events of the stream, and the one that this
// publisher seals with, in the order of their public keys.
func (p *Publisher) SealingKeys(ctx context.Context) ([]SealingKey, error) {
	subjects, err := p.subjectsOf(ctx, signerPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("the keys that seal: %w", err)
	}
	keys := make([]SealingKey, 0, len(subjects))
	for _, subject := range subjects {
		m, err := p.lastMessage(ctx, subject)
		switch {
		case err != nil:
			return nil, fmt.Errorf("the keys that seal: %w", err)
		case m == nil: // it was removed meanwhile
			continue
		}
		public := strings.TrimPrefix(subject, signerPrefix)
		keys = append(keys, SealingKey{Public: public, Current: public == p.publicKey, Since: m.Time})
	}
	return keys, nil
}

// keepKey makes sure that the key this publisher seals with stands in the stream, where it seals.
// Errors: [ErrUnavailable], a [*ServerError].
func (p *Publisher) keepKey(ctx context.Context) error {
	if p.publicKey == "" || p.format() < formatChained || p.keyKept.Load() {
		return nil
	}
	msg := nats.NewMsg(ingest + signerPrefix + p.publicKey)
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	ctx, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	_, err := p.put(ctx, msg)
	var refused *jetstream.APIError
	switch {
	case errors.Is(err, errOtherFirst): // it stands there
	case errors.As(err, &refused):
		return fmt.Errorf("storing the key that seals: %w",
			&ServerError{Status: refused.Code, Code: int(refused.ErrorCode), Description: refused.Description})
	case err != nil:
		return fmt.Errorf("storing the key that seals: %w: %w", ErrUnavailable, err)
	}
	p.keyKept.Store(true)
	return nil
}
