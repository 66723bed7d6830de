package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	// randomBytes are in a new token; a person is not asked for one.
	randomBytes = 32
	// tokenMark begins new tokens, so that they are found where they do not belong.
	tokenMark = "rollcall_"
	// hashMark begins the hash of a token in a file, and says how it was made.
	hashMark = "sha256:"
	// DefaultToken is the name of the token that is a setting.
	DefaultToken = "default"
)

// Hash is the SHA-256 of a token. A token is long and random, so that it does not follow from the
// hash.
type Hash [sha256.Size]byte

// HashOf returns the hash of a token.
func HashOf(token string) Hash { return sha256.Sum256([]byte(token)) }

// String writes a hash as token files hold it.
func (h Hash) String() string { return hashMark + hex.EncodeToString(h[:]) }

// parseHash does not repeat the text, which may be a token by mistake.
func parseHash(text string) (h Hash, err error) {
	digits, ok := strings.CutPrefix(text, hashMark)
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != len(h) {
		return h, errors.New("the hash is not sha256: and 64 hexadecimal digits")
	}
	return Hash(raw), nil
}

// Token is a named token, as it is known: by its hash.
type Token struct {
	Name         string
	Hash         Hash
	Scopes       Scopes
	Organisation string // the only one it is for; empty for all
}

func (t Token) caller() Caller {
	return Caller{Kind: ByToken, Name: t.Name, Scopes: t.Scopes, Organisation: t.Organisation}
}

// NewSecret returns a new token.
func NewSecret() string {
	raw := make([]byte, randomBytes)
	_, _ = rand.Read(raw) // it never fails
	return tokenMark + base64.RawURLEncoding.EncodeToString(raw)
}

var (
	tokenName        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	organisationName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// CheckName refuses what is no name of a token: names stand in logs and events.
func CheckName(name string) error {
	if !tokenName.MatchString(name) {
		return fmt.Errorf("%q is no name: want 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or a digit", name)
	}
	return nil
}

// CheckOrganisation refuses what is no corpId; empty stands for all of them.
func CheckOrganisation(corpID string) error {
	if corpID != "" && !organisationName.MatchString(corpID) {
		return fmt.Errorf("%q is no corpId", corpID)
	}
	return nil
}
