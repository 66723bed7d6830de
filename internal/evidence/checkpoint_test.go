package evidence_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/evidence"
)

func TestACheckpointIsWhatItWasSignedAs(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	want := evidence.Checkpoint{Origin: "rollcall/dingabc", Size: 42, Root: evidence.Hash{1, 2}, Signed: begin}
	signed, err := want.Sign(pair)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(signed), "rollcall/dingabc\n42\n"+base64.StdEncoding.EncodeToString(want.Root[:])+
		"\ntime 2026-11-30T09:00:00Z\n\n— rollcall/dingabc "), string(signed))
	got, by, err := evidence.OpenCheckpoint(signed, []string{public(t, key(t, 2)), public(t, pair), public(t, pair)})
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, public(t, pair), by)

	want.Signed = time.Time{}
	plain, err := want.Sign(pair)
	require.NoError(t, err)
	got, _, err = evidence.OpenCheckpoint(plain, []string{public(t, pair)})
	require.NoError(t, err)
	assert.Equal(t, want, got)
	for bit := range 8 * len(signed) {
		changed := bytes.Clone(signed)
		changed[bit/8] ^= 1 << (bit % 8)
		_, _, err := evidence.OpenCheckpoint(changed, []string{public(t, pair)})
		require.ErrorIs(t, err, evidence.ErrCheckpoint, "bit %d: %q", bit, changed)
	}
	// Two bits of the last character of the signature mean nothing in base64.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	changed := bytes.Clone(signed)
	last := &changed[len(changed)-len("x=\n")]
	*last = alphabet[strings.IndexByte(alphabet, *last)+1]
	_, _, err = evidence.OpenCheckpoint(changed, []string{public(t, pair)})
	require.ErrorIs(t, err, evidence.ErrCheckpoint)
}

func TestWhatIsNoCheckpoint(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	sign := func(c evidence.Checkpoint) string {
		signed, err := c.Sign(pair)
		require.NoError(t, err)
		return string(signed)
	}
	good := sign(evidence.Checkpoint{Origin: "rollcall/a", Size: 1})
	_, signature, _ := strings.Cut(good, "\n\n")
	for name, text := range map[string]string{
		"nothing": "", "no signature": strings.Split(good, "\n\n")[0] + "\n", "CRLF": strings.ReplaceAll(good, "\n", "\r\n"),
		"no last newline": strings.TrimSuffix(good, "\n"), "one newline too many": good + "\n", "a second signature": good + signature,
		"somebody else's signature as well": good + strings.Replace(signature, "rollcall/a", "rollcall/b", 1),
		"another text":                      "hello\n", "another origin": strings.Replace(good, "rollcall/a", "rollcall/b", 1),
	} {
		_, _, err := evidence.OpenCheckpoint([]byte(text), []string{public(t, pair)})
		assert.ErrorIs(t, err, evidence.ErrCheckpoint, name)
	}
	for _, c := range []evidence.Checkpoint{
		{Origin: "rollcall/a b"}, {Origin: "rollcall/a+b"}, {Origin: ""}, {Origin: "rollcall/a", Size: -1}, {Origin: "rollcall/a", Size: 1 << 50},
	} {
		_, err := c.Sign(pair)
		assert.Error(t, err, "%+v", c)
	}
	require.NoError(t, evidence.CheckKey(public(t, pair)))
	for _, no := range []string{"", "U", "UABC", public(t, pair)[:55], strings.ToLower(public(t, pair)), "A" + public(t, pair)[1:]} {
		assert.Error(t, evidence.CheckKey(no), no)
	}
	assert.Equal(t, "rollcall/default", evidence.Origin(""))
}
