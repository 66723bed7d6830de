package simulator

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

const (
	// maxAnswer bounds the webhook's answer.
	maxAnswer = 64 << 10
	// stale is how old the time stamp of an old push is.
	stale = 24 * time.Hour
	// nonceLength is as the platform's.
	nonceLength = 8
)

// hook posts pushes to the webhook. Its methods are safe for concurrent use.
type hook struct {
	sim    *Simulator
	client *http.Client
}

func newHook(s *Simulator) *hook {
	transport := &http.Transport{MaxIdleConns: lanes, MaxIdleConnsPerHost: lanes, IdleConnTimeout: time.Minute}
	return &hook{sim: s, client: &http.Client{
		Transport: transport,
		// The platform does not follow redirects.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// post sends a push once, and says whether the webhook answered as it must.
func (h *hook) post(ctx context.Context, d *delivery) bool {
	err := h.try(ctx, d)
	if ctx.Err() != nil {
		return false // the simulator stops: nobody refused anything
	}
	h.sim.counted(d.class, func(w *WayStats) {
		w.Sent++
		if err == nil {
			w.Acknowledged++
		} else {
			w.Refused++
		}
	})
	h.sim.logger.Debug("simulator: push", "meeting", d.event.conferenceID(), "scene", d.event.ChangeScene,
		"attempt", d.attempts, "damage", d.damage, "error", err)
	return err == nil
}

func (h *hook) try(ctx context.Context, d *delivery) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.sim.settings.Push.Timeout))
	defer cancel()
	req, err := h.request(ctx, d)
	if err != nil {
		return err
	}
	resp, err := h.client.Do(req)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			return outer.Err // without the address, which may hold a secret
		}
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer's status is %d", resp.StatusCode)
	}
	return h.accept(body)
}

// request makes the request of a push. See
// https://open.dingtalk.com/document/orgapp/configure-event-subcription.
func (h *hook) request(ctx context.Context, d *delivery) (*http.Request, error) {
	settings, cipher := h.sim.settings.Push, h.sim.callback.cipher
	if d.damage.has(fault.PushWrongOwner) {
		cipher = h.sim.callback.foreign
	}
	now := h.sim.now()
	if d.damage.has(fault.PushOld) {
		now = now.Add(-stale)
	}
	timestamp, nonce := strconv.FormatInt(now.UnixMilli(), 10), rand.Text()[:nonceLength]
	encrypted := cipher.Encrypt(encoded(d.event.with(d.damage)))
	signature := cipher.Sign(timestamp, nonce, encrypted)
	if d.damage.has(fault.PushForged) {
		signature = cipher.Sign(timestamp, nonce, encrypted+"!")
	}
	address, err := signedAddress(settings, signature, timestamp, nonce)
	if err != nil {
		return nil, err
	}
	body := encoded(map[string]string{"encrypt": encrypted})
	if d.damage.has(fault.PushGarbage) {
		body = []byte("}{ no JSON")
	}
	if d.damage.has(fault.PushTruncated) {
		body = body[:len(body)/2]
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	return req, nil
}

// signedAddress is the webhook's address with the parameters that sign a push.
func signedAddress(settings PushSettings, signature, timestamp, nonce string) (string, error) {
	u, err := url.Parse(settings.URL)
	if err != nil { // the settings were checked
		return "", errors.New("the webhook's address cannot be read")
	}
	query := u.Query()
	if settings.OldParameters {
		query.Set("signature", signature)
		query.Set("timeStamp", timestamp)
	} else {
		query.Set("msg_signature", signature)
		query.Set("timestamp", timestamp)
	}
	query.Set("nonce", nonce)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// accept checks that an answer is the signed and encrypted word "success".
func (h *hook) accept(body []byte) error {
	var answer struct {
		Signature string `json:"msg_signature"`
		Timestamp string `json:"timeStamp"`
		Nonce     string `json:"nonce"`
		Encrypt   string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("the answer is not the JSON it must be: %w", err)
	}
	cipher := h.sim.callback.cipher
	if err := cipher.Verify(answer.Signature, answer.Timestamp, answer.Nonce, answer.Encrypt); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	word, err := cipher.Decrypt(answer.Encrypt)
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	if string(word) != "success" {
		return errors.New(`the answer is not "success"`)
	}
	return nil
}
