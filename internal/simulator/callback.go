package simulator

import (
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// Cipher signs and encrypts as DingTalk's callback does. The simulator has none of its own: it is
// handed the product's through [Options], which is tested with DingTalk's official test vectors.
type Cipher interface {
	Encrypt(message []byte) string
	Decrypt(encrypted string) ([]byte, error)
	Sign(timestamp, nonce, encrypted string) string
	Verify(signature, timestamp, nonce, encrypted string) error
}

// ciphers is what the pushes to a webhook are made with.
type ciphers struct {
	cipher Cipher
	// foreign addresses messages to the owner of another app.
	foreign Cipher
}

// newCiphers returns nil when there is no webhook.
func newCiphers(s PushSettings, newCipher func(token, aesKey, ownerKey string) (Cipher, error)) (*ciphers, error) {
	if s.URL == "" {
		return nil, nil
	}
	if newCipher == nil {
		return nil, errors.New("simulator: pushes to a webhook need Options.NewCipher")
	}
	var out ciphers
	var err error
	if out.cipher, err = newCipher(s.Token, s.AESKey, s.OwnerKey); err != nil {
		return nil, fmt.Errorf("%w: settings.push: %w", history.ErrScenario, err)
	}
	if out.foreign, err = newCipher(s.Token, s.AESKey, s.OwnerKey+"-of-another-app"); err != nil {
		return nil, fmt.Errorf("%w: settings.push: %w", history.ErrScenario, err)
	}
	return &out, nil
}
