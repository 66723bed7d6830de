package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"unicode"
	"unicode/utf8"
)

// guestPrefix begins the substitute that names a guest without a unionId; see [events.Event].
const guestPrefix = "guest:"

// UnionID gives the form in which Rollcall carries a unionId: as it is, nearly always. An id that
// could do harm further on is replaced by "sha256:" and the first 32 hex digits of its SHA-256, so
// that two different ids stay two people and one id stays one. That is an id of more than 128
// bytes, with a control character (a line break would end the NATS header Union-Id and begin
// another), a line separator or a non-character (which a CloudEvents subject must not hold), with a
// blank at either end (header values lose those), or one that looks like the substitute of a guest.
// Everything that reads unionIds from DingTalk, pushes too, has to go through here.
func UnionID(id string) string { return string(CarriedID([]byte(id))) }

// CarriedID is [UnionID] of bytes. It returns id itself when that can be carried as it is.
func CarriedID(id []byte) []byte {
	if carriable(id) {
		return id
	}
	sum := sha256.Sum256(id)
	return hex.AppendEncode([]byte("sha256:"), sum[:16])
}

func carriable(id []byte) bool {
	switch {
	case len(id) == 0:
		return true
	case len(id) > MaxUnionID, id[0] == ' ', id[len(id)-1] == ' ', bytes.HasPrefix(id, []byte(guestPrefix)):
		return false
	}
	for i := 0; i < len(id); {
		if c := id[i]; c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(id[i:])
		if !carriableRune(r) || r == utf8.RuneError && size == 1 {
			return false
		}
		i += size
	}
	return true
}

// carriableRune goes by properties that no version of Unicode changes: an id must not change with
// the toolchain.
func carriableRune(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r >= 0xFDD0 && r <= 0xFDEF:
		return false
	default:
		return r&0xFFFE != 0xFFFE
	}
}
