package pseudonym

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
)

const (
	// KeyLength is the least length of a new key in bytes: with a shorter one, whoever knows
	// somebody's unionId and pseudonym could find the key by trying.
	KeyLength = 32
	// fingerprintLength is enough to tell keys apart, in bytes.
	fingerprintLength = 8
	// stretching makes it slow to find a short key by its fingerprint, which readers can see. It
	// takes a fraction of a second.
	stretching = 200_000
)

// Fingerprint tells keys apart without telling anything of them.
func Fingerprint(key string) (string, error) {
	const purpose = "rollcall: fingerprint of a privacy key"
	if len(key) < KeyLength {
		sum, err := pbkdf2.Key(sha256.New, key, []byte(purpose), stretching, fingerprintLength)
		return hex.EncodeToString(sum), err
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(purpose))
	return hex.EncodeToString(mac.Sum(nil)[:fingerprintLength]), nil
}
