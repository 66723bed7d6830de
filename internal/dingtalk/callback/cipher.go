// Package callback receives DingTalk's pushes over HTTP: the encrypted callback of an internal app.
package callback

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // DingTalk's signature is SHA-1
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	aesKeyLength  = 43 // characters of the key as DingTalk's console shows it
	randomLength  = 16
	lengthLength  = 4
	paddingBlock  = 32 // DingTalk pads to 32 bytes, twice the block of AES
	minCiphertext = paddingBlock
)

// Errors of a [Cipher]. Neither holds anything of a key or of a message.
var (
	// ErrSignature says that the signature was not made with the token.
	ErrSignature = errors.New("wrong signature")
	// ErrMessage says that the message cannot be decrypted, or is not meant for this app.
	ErrMessage = errors.New("message cannot be decrypted")
)

// Keys are what DingTalk's console and this service share.
type Keys struct {
	Token    string
	AESKey   string // 43 characters
	OwnerKey string // the AppKey, corpId or suiteKey that messages are addressed to
}

// Cipher signs and encrypts as DingTalk's callback does,
// https://open.dingtalk.com/document/orgapp/configure-event-subcription and the official
// callback-crypto demos.
type Cipher struct {
	token, owner string
	block        cipher.Block
	iv           []byte
}

// NewCipher returns a cipher, or an error that names the key that is of no use.
func NewCipher(keys Keys) (*Cipher, error) {
	switch {
	case keys.Token == "":
		return nil, errors.New("webhook: the token is empty")
	case keys.OwnerKey == "":
		return nil, errors.New("webhook: the owner key is empty")
	case len(keys.AESKey) != aesKeyLength:
		return nil, fmt.Errorf("webhook: the AES key has %d characters, not %d", len(keys.AESKey), aesKeyLength)
	}
	// Real keys have bits set that the encoding has no use for: a strict decoder would refuse them.
	key, err := base64.StdEncoding.DecodeString(keys.AESKey + "=")
	if err != nil {
		return nil, errors.New("webhook: the AES key is not base64")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("webhook: the AES key: %w", err)
	}
	return &Cipher{token: keys.Token, owner: keys.OwnerKey, block: block, iv: key[:aes.BlockSize]}, nil
}

// Sign returns the signature of an encrypted message.
func (c *Cipher) Sign(timestamp, nonce, encrypted string) string {
	parts := []string{c.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// Verify checks a signature in constant time. It returns [ErrSignature] for a wrong one.
func (c *Cipher) Verify(signature, timestamp, nonce, encrypted string) error {
	want := c.Sign(timestamp, nonce, encrypted)
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return ErrSignature
	}
	return nil
}

// Decrypt returns the message in a push whose signature has been verified, or an error that wraps
// [ErrMessage].
func (c *Cipher) Decrypt(encrypted string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrMessage)
	}
	if len(data) < minCiphertext || len(data)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: %d bytes are no whole blocks", ErrMessage, len(data))
	}
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(data, data)
	data, err = unpad(data)
	if err != nil {
		return nil, err
	}
	return c.open(data)
}

// open takes the message out of 16 random bytes, a length, the message and the owner key.
func (c *Cipher) open(data []byte) ([]byte, error) {
	if len(data) < randomLength+lengthLength {
		return nil, fmt.Errorf("%w: too short", ErrMessage)
	}
	length := binary.BigEndian.Uint32(data[randomLength:])
	rest := data[randomLength+lengthLength:]
	if uint64(length) > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: the length runs over the end", ErrMessage)
	}
	if subtle.ConstantTimeCompare(rest[length:], []byte(c.owner)) != 1 {
		return nil, fmt.Errorf("%w: addressed to somebody else", ErrMessage)
	}
	return rest[:length], nil
}

// unpad takes off 1 to 32 bytes that all say how many they are.
func unpad(data []byte) ([]byte, error) {
	n := int(data[len(data)-1])
	if n < 1 || n > paddingBlock || n > len(data) {
		return nil, fmt.Errorf("%w: wrong padding", ErrMessage)
	}
	text, padding := data[:len(data)-n], data[len(data)-n:]
	if !bytes.Equal(padding, bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, fmt.Errorf("%w: wrong padding", ErrMessage)
	}
	return text, nil
}

// Encrypt returns a message as DingTalk sends it, or takes it as an answer.
func (c *Cipher) Encrypt(message []byte) string {
	data := make([]byte, randomLength+lengthLength, randomLength+lengthLength+len(message)+len(c.owner)+paddingBlock)
	_, _ = rand.Read(data[:randomLength]) // never fails
	binary.BigEndian.PutUint32(data[randomLength:], uint32(len(message)))
	data = append(append(data, message...), c.owner...)
	n := paddingBlock - len(data)%paddingBlock
	data = append(data, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data)
}
