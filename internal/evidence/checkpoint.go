package evidence

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
	"golang.org/x/mod/sumdb/note"
)

// maxSize is more leaves than any log has, and few enough to count with.
const maxSize = 1 << 40

// ErrCheckpoint is wrapped by the errors of what is no checkpoint, or not one of the keys that are
// trusted.
var ErrCheckpoint = errors.New("no checkpoint")

// secretPrefix begins what nkeys writes of a secret key.
const secretPrefix = "S"

var errSecret = errors.New("it is a secret key (S…), not a public one (U…)")

// errUnknownKey is an [ErrCheckpoint].
var errUnknownKey = fmt.Errorf("%w: it is signed by none of the keys", ErrCheckpoint)

// Checkpoint says what the log was at one time. Signed, it is a note as golang.org/x/mod/sumdb/note
// has it: the origin, the number of leaves, the root in base64, and when it was signed, each on a
// line; then an empty line and a signature, whose name is the origin.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
	// Signed is to the second, and zero where the note does not say it.
	Signed time.Time
}

// Origin names the log of an organisation. An empty corpID stands for "default".
func Origin(corpID string) string {
	if corpID == "" {
		corpID = "default"
	}
	return originPrefix + corpID
}

const originPrefix = "rollcall/"

// signedLine begins the line that tells when a checkpoint was signed.
const signedLine = "time "

// Text is what is signed.
func (c Checkpoint) Text() string {
	text := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	if !c.Signed.IsZero() {
		text += signedLine + c.Signed.UTC().Format(time.RFC3339) + "\n"
	}
	return text
}

// parseText reads what Text has written, and lines behind it that are not known.
func parseText(text string) (c Checkpoint, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 || slices.Contains(lines, "") {
		return c, fmt.Errorf("%w: it has origin, size and root on three lines", ErrCheckpoint)
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || c.Size > maxSize || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, fmt.Errorf("%w: its size is %.40q", ErrCheckpoint, lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) || base64.StdEncoding.EncodeToString(root) != lines[2] {
		return c, fmt.Errorf("%w: its root is %.80q", ErrCheckpoint, lines[2])
	}
	copy(c.Root[:], root)
	for _, line := range lines[3:] {
		if at, ok := strings.CutPrefix(line, signedLine); ok {
			if c.Signed, err = time.Parse(time.RFC3339, at); err != nil {
				return c, fmt.Errorf("%w: its time is %.40q", ErrCheckpoint, at)
			}
		}
	}
	return c, nil
}

// Signer signs with the key of the service. [nkeys.KeyPair] is one.
type Signer interface {
	PublicKey() (string, error)
	Sign(data []byte) ([]byte, error)
}

// Sign signs the checkpoint, and makes sure that what it returns can be opened.
func (c Checkpoint) Sign(key Signer) ([]byte, error) {
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	verifier, err := verifierOf(c.Origin, public)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, noteSigner{verifier, key})
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint of %s: %w", c.Origin, err)
	}
	_, _, err = OpenCheckpoint(signed, []string{public})
	return signed, err
}

// noteSigner is a key as notes are signed with it.
type noteSigner struct {
	note.Verifier
	key Signer
}

// Sign implements [note.Signer].
func (s noteSigner) Sign(text []byte) ([]byte, error) { return s.key.Sign(text) }

// verifierOf is a public key as notes of an origin are verified with it.
func verifierOf(origin, public string) (note.Verifier, error) {
	if strings.HasPrefix(public, secretPrefix) {
		return nil, errSecret // and it is not repeated
	}
	raw, err := nkeys.Decode(nkeys.PrefixByteUser, []byte(public))
	if err != nil {
		return nil, fmt.Errorf("%.80q is no public key (U…): %w", public, err)
	}
	key, err := note.NewEd25519VerifierKey(origin, raw)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("%.80q cannot name a log: %w", origin, err)
	}
	return verifier, nil
}

// CheckKey returns an error unless public is a public key as seals name it.
func CheckKey(public string) error {
	_, err := verifierOf(originPrefix, public)
	return err
}

// OpenCheckpoint reads a signed checkpoint and returns it with the one of the keys that signed it.
// Any change of the note, be it only of how it is written, gives an error that wraps
// [ErrCheckpoint].
func OpenCheckpoint(signed []byte, keys []string) (Checkpoint, string, error) {
	switch {
	case bytes.IndexByte(signed, '\r') >= 0:
		return Checkpoint{}, "", fmt.Errorf("%w: its line ends were changed (CRLF)", ErrCheckpoint)
	case !bytes.HasSuffix(signed, []byte("\n")) || bytes.HasSuffix(signed, []byte("\n\n")):
		return Checkpoint{}, "", fmt.Errorf("%w: its line ends were changed: it ends with one newline", ErrCheckpoint)
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	var verifiers []note.Verifier
	by := map[uint32]string{}
	for _, key := range keys {
		verifier, err := verifierOf(origin, key)
		if err != nil {
			return Checkpoint{}, "", fmt.Errorf("%w: %w", ErrCheckpoint, err)
		}
		if by[verifier.KeyHash()] == "" { // the same twice would be ambiguous
			by[verifier.KeyHash()] = key
			verifiers = append(verifiers, verifier)
		}
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if _, unknown := errors.AsType[*note.UnverifiedNoteError](err); unknown {
		return Checkpoint{}, "", errUnknownKey
	}
	if err != nil {
		return Checkpoint{}, "", fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := parseText(opened.Text)
	if err != nil {
		return Checkpoint{}, "", err
	}
	if err := exactly(signed, opened); err != nil {
		return Checkpoint{}, "", err
	}
	return c, by[opened.Sigs[0].Hash], nil
}

// exactly makes sure that a note has one signature, written in the one way there is: base64 has
// bits that nothing looks at.
func exactly(signed []byte, opened *note.Note) error {
	s := opened.Sigs[0]
	if raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err == nil {
		want := opened.Text + "\n— " + s.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
		if want == string(signed) {
			return nil
		}
	}
	return fmt.Errorf("%w: it has more than one signature, or one that is not written as it should be", ErrCheckpoint)
}

// ParseCheckpoint reads what a checkpoint says, whoever signed it.
func ParseCheckpoint(signed []byte) (Checkpoint, error) {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	return parseText(text + "\n")
}

// OpenOwn reads a checkpoint of an origin for somebody who has one key of several: one that this key
// has signed is verified, one that others have signed is read as it is.
func OpenOwn(signed []byte, origin, key string) (Checkpoint, error) {
	c, _, err := OpenCheckpoint(signed, []string{key})
	if errors.Is(err, errUnknownKey) {
		c, err = ParseCheckpoint(signed)
	}
	if err == nil && c.Origin != origin {
		err = fmt.Errorf("%w: its origin is %.80q, not %.80q", ErrCheckpoint, c.Origin, origin)
	}
	return c, err
}
