package callback

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxSeconds is the largest time stamp that is taken for seconds; as milliseconds it is in 1973.
// DingTalk writes milliseconds, and its demos seconds too.
const maxSeconds = 100_000_000_000

// sealed is the body of a request.
type sealed struct {
	Encrypt string `json:"encrypt"`
}

// open returns the message in a genuine request.
func (h *handler) open(query url.Values, body []byte) ([]byte, *refusal) {
	var s sealed
	if err := json.Unmarshal(body, &s, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, refused(Malformed, fmt.Errorf("body: %w", err))
	}
	if s.Encrypt == "" {
		return nil, refused(Malformed, errors.New(`body: no "encrypt"`))
	}
	// The names have changed over the years.
	signature := cmp.Or(query.Get("msg_signature"), query.Get("signature"))
	timestamp := cmp.Or(query.Get("timestamp"), query.Get("timeStamp"))
	if err := h.opts.Cipher.Verify(signature, timestamp, query.Get("nonce"), s.Encrypt); err != nil {
		return nil, refused(WrongSignature, err)
	}
	if err := h.checkTime(timestamp); err != nil {
		return nil, refused(Stale, err)
	}
	message, err := h.opts.Cipher.Decrypt(s.Encrypt)
	if err != nil {
		return nil, refused(Undecipherable, err)
	}
	return message, nil
}

// checkTime returns an error unless a time stamp, which the signature covers, is near enough to
// now.
func (h *handler) checkTime(timestamp string) error {
	if h.opts.Window < 0 {
		return nil
	}
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || ms < 0 {
		return errors.New("the time stamp is no number")
	}
	if ms < maxSeconds {
		ms *= 1000
	}
	if away := h.opts.Now().UnixMilli() - ms; max(away, -away) > h.opts.Window.Milliseconds() {
		return fmt.Errorf("the time stamp is %d s from now, more than %v", away/1000, h.opts.Window)
	}
	return nil
}
