package service

import (
	"errors"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/publisher"
)

// weakKey is what is said of a key that is kept because people have their pseudonyms from it.
const weakKey = "the privacy key has fewer than 32 bytes: whoever knows a unionId and its pseudonym may find it by trying. " +
	"It is kept as the stored pseudonyms were made with it; start once with a new one and --privacy-switch to give everybody new ones"

// Privacy is how events tell of people with these settings.
func Privacy(e config.Events) (publisher.Privacy, error) {
	if !e.Pseudonyms() {
		return publisher.Privacy{Mode: publisher.Full}, nil
	}
	key := e.PrivacyKey.Reveal()
	fingerprint, err := pseudonym.Fingerprint(key)
	return publisher.Privacy{Mode: publisher.Pseudonymous, Key: fingerprint, Weak: len(key) < pseudonym.KeyLength}, err
}

// PrivacyRefused makes a [config.UsageError] of an error of the publisher that says that events
// cannot be told in this way; nil of any other.
func PrivacyRefused(err error) error {
	var refused *publisher.PrivacyError
	if !errors.As(err, &refused) {
		return nil
	}
	setting := "privacy"
	if refused.Key {
		setting = "privacy-key"
	}
	return config.Usagef(setting, "%w", refused)
}
