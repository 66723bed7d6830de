package callback

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vectors are from the official callback-crypto demos.
var vectors = []struct {
	name                        string
	keys                        Keys
	timestamp, nonce, signature string
	encrypted, message          string
}{
	{
		"A",
		Keys{"123456", "1234567890123456789012345678901234567890123", "dingsnotzck6pm5veliw"},
		"1614767836", "A7Co0cJLMzIDtMMI", "9a95a004dd16f5c307e849b994173f76aa26e5eb",
		"YvkvaGe4hQxd3VxRmEty0dVlnCOAqwf56xwTRHDHoOURqhalbmBJQk5FNcRk42Gl5T0YQXZNwpwWSm1xAFJ5ZA==",
		"success",
	},
	{
		"B",
		Keys{"123456", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", "suite4xxxxxxxxxxxxxxx"},
		"1445827045067", "nEXhMP4r", "5a65ceeef9aab2d149439f82dc191dd6c5cbe2c0",
		"1a3NBxmCFwkCJvfoQ7WhJHB+iX3qHPsc9JbaDznE1i03peOk1LaOQoRz3+nlyGNhwmwJ3vDMG+OzrHMeiZI7gTRWVdUBmfxjZ8Ej23JVYa9VrYeJ5as7XM/ZpulX8NEQis44w53h1qAgnC3PRzM7Zc/D6Ibr0rgUathB6zRHP8PYrfgnNOS9PhSBdHlegK+AGGanfwjXuQ9+0pZcy0w9lQ==",
		`{"EventType":"check_create_suite_url","Random":"LPIdSnlF","TestSuiteKey":"suite4xxxxxxxxxxxxxxx"}`,
	},
	{
		"C",
		Keys{"mryue", "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7", "ding6ccabc44d2c8d38b"},
		"1608001896814", "WL4PK6yA", "03044561471240d4a14bb09372dfcfd4fd0e40cb",
		"0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZeKju4yhELOFchzNukR+t8SB/qk4ROMu3",
		`{"EventType":"check_url"}`,
	},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			c, err := NewCipher(v.keys)
			require.NoError(t, err)
			require.NoError(t, c.Verify(v.signature, v.timestamp, v.nonce, v.encrypted))
			message, err := c.Decrypt(v.encrypted)
			require.NoError(t, err)
			assert.Equal(t, v.message, string(message))

			again, err := c.Decrypt(c.Encrypt(message))
			require.NoError(t, err)
			assert.Equal(t, v.message, string(again))
		})
	}
}

func TestVerifyRefusesEverythingElse(t *testing.T) {
	v := vectors[0]
	c, err := NewCipher(v.keys)
	require.NoError(t, err)
	for name, err := range map[string]error{
		"no signature":       c.Verify("", v.timestamp, v.nonce, v.encrypted),
		"another signature":  c.Verify(vectors[1].signature, v.timestamp, v.nonce, v.encrypted),
		"in capitals":        c.Verify(strings.ToUpper(v.signature), v.timestamp, v.nonce, v.encrypted),
		"another time stamp": c.Verify(v.signature, "1614767837", v.nonce, v.encrypted),
		"another nonce":      c.Verify(v.signature, v.timestamp, "x", v.encrypted),
		"another message":    c.Verify(v.signature, v.timestamp, v.nonce, vectors[1].encrypted),
	} {
		assert.ErrorIs(t, err, ErrSignature, name)
	}
}

func TestDecryptRefusesWhatIsNotForUs(t *testing.T) {
	v := vectors[1]
	c, err := NewCipher(v.keys)
	require.NoError(t, err)
	other, err := NewCipher(Keys{v.keys.Token, v.keys.AESKey, "suite5"})
	require.NoError(t, err)
	raw, err := base64.StdEncoding.DecodeString(v.encrypted)
	require.NoError(t, err)
	encode := base64.StdEncoding.EncodeToString
	for name, encrypted := range map[string]string{
		"empty":            "",
		"not base64":       "%%%%",
		"half a block":     encode(raw[:8]),
		"one block":        encode(raw[:16]),
		"odd length":       encode(raw[:len(raw)-1]),
		"truncated":        encode(raw[:len(raw)-32]),
		"another owner":    other.Encrypt([]byte("{}")),
		"garbage":          encode([]byte(strings.Repeat("0123456789abcdef", 4))),
		"another AES key":  vectors[0].encrypted,
		"message too long": encode(append([]byte(nil), raw[16:]...)),
	} {
		_, err := c.Decrypt(encrypted)
		assert.ErrorIs(t, err, ErrMessage, name)
	}
}

func TestUnpad(t *testing.T) {
	for name, data := range map[string][]byte{
		"zero":           append(make([]byte, 31), 0),
		"over 32":        append(make([]byte, 63), 33),
		"over the start": {9, 9, 9},
		"not all alike":  append(make([]byte, 30), 1, 3),
	} {
		_, err := unpad(data)
		assert.ErrorIs(t, err, ErrMessage, name)
	}
	text, err := unpad([]byte("abc\x02\x02"))
	require.NoError(t, err)
	assert.Equal(t, "abc", string(text))
	text, err = unpad([]byte(strings.Repeat("\x20", 32)))
	require.NoError(t, err)
	assert.Empty(t, text)
}

func TestKeys(t *testing.T) {
	good := vectors[0].keys
	for name, keys := range map[string]Keys{
		"token":      {"", good.AESKey, good.OwnerKey},
		"owner key":  {good.Token, good.AESKey, ""},
		"characters": {good.Token, good.AESKey[1:], good.OwnerKey},
		"base64":     {good.Token, "!" + good.AESKey[1:], good.OwnerKey},
	} {
		_, err := NewCipher(keys)
		require.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), good.AESKey[1:])
	}
}
