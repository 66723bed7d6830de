package service

import (
	"fmt"

	"github.com/nats-io/nkeys"

	"github.com/c4342123/rollcall/internal/base/signing"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/publisher"
)

// signer returns the key that seals what is recorded, or says that nothing is sealed and returns
// nil.
func (s *service) signer() (publisher.Signer, error) {
	path, missing := s.opts.Settings.SigningKey()
	if path == "" {
		s.log.Warn("events are chained but not sealed: there is no key; set --signing-key-file (ROLLCALL_SIGNING_KEY_FILE), the same for all replicas")
		return nil, nil
	}
	var key nkeys.KeyPair
	var made bool
	var err error
	if missing {
		key, made, err = signing.LoadOrMake(path)
	} else {
		key, err = signing.Load(path)
	}
	if err != nil {
		return nil, config.Usagef("signing-key-file", "%w", err)
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("the key in %s: %w", path, err)
	}
	if made {
		s.log.Info("made the key that seals what is recorded: keep a copy of it, and note the public key elsewhere", "file", path, "public", public)
	} else {
		s.log.Info("what is recorded is sealed", "public", public)
	}
	return key, nil
}
