// Package privacy says in the terms of the settings whether events may tell of people as they are to.
package privacy

import (
	"errors"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/publisher"
)

// Of is how events tell of people with these settings.
func Of(e config.Events) (publisher.Privacy, error) {
	if !e.Pseudonyms() {
		return publisher.Privacy{Mode: publisher.Full}, nil
	}
	key := e.PrivacyKey.Reveal()
	fingerprint, err := pseudonym.Fingerprint(key)
	return publisher.Privacy{Mode: publisher.Pseudonymous, Key: fingerprint, Weak: len(key) < pseudonym.KeyLength}, err
}

// Refused makes a [config.UsageError] of an error of the publisher that says that events
// cannot be told in this way; nil of any other.
func Refused(err error) error {
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
