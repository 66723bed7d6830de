package callback

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/go-json-experiment/json"

	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

const (
	// nonceLength is that of DingTalk's own nonces.
	nonceLength = 16
	// retryAfter tells other senders than DingTalk when to come back, in seconds.
	retryAfter = "1"
	// logEvery is how often the same outcome is logged: anybody who finds the URL can send
	// anything.
	logEvery = time.Minute
)

// PathCorpID names the wildcard of a path below which an organisation's pushes come.
const PathCorpID = "corpId"

// handler is safe for concurrent use.
type handler struct {
	opts   Options
	memory *semaphore.Weighted // bytes of bodies
	slots  *semaphore.Weighted // pushes with the receiver
	logs   map[Outcome]*rate.Sometimes
}

// NewHandler returns a handler for DingTalk's callback,
// https://open.dingtalk.com/document/orgapp/configure-event-subcription. A push is answered with
// the encrypted word "success" once the receiver has returned nil. Events that are not about
// meetings are answered alike. A wrong signature and a time outside the window are refused with
// 401, what cannot be decrypted or read with 400, more than 1 MiB with 413, a body that does not
// arrive with 408, other methods than POST with 405, and what could not be stored in time with 503.
// Errors are application/problem+json.
func NewHandler(opts Options) http.Handler {
	if opts.Cipher == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, http.StatusNotFound, "no callback keys are set (ROLLCALL_WEBHOOK_TOKEN and others)")
		})
	}
	h := &handler{opts: opts.withDefaults(), memory: semaphore.NewWeighted(maxMemory), logs: map[Outcome]*rate.Sometimes{}}
	h.slots = semaphore.NewWeighted(int64(h.opts.MaxConcurrent))
	for outcome := range answers {
		h.logs[outcome] = &rate.Sometimes{Interval: logEvery}
	}
	h.logs[Ignored] = &rate.Sometimes{Interval: logEvery}
	return h
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	outcome, no := h.handle(w, r)
	if no != nil {
		outcome = no.outcome
		h.refuse(w, no)
	} else {
		h.succeed(w)
	}
	h.opts.Observe(outcome, time.Since(began))
}

func (h *handler) handle(w http.ResponseWriter, r *http.Request) (Outcome, *refusal) {
	if r.Method != http.MethodPost {
		return "", refused(WrongMethod, errors.New(r.Method))
	}
	body, done, no := h.read(w, r)
	defer done()
	if no != nil {
		return "", no
	}
	message, no := h.open(r.URL.Query(), body)
	if no != nil {
		return "", no
	}
	if of := r.PathValue(PathCorpID); of != "" && !isOf(message, of) {
		return "", refused(Malformed, errors.New("it names another organisation than the path"))
	}
	p, err := push.Decode(message, push.Envelope{}, h.opts.Oddities)
	switch {
	case err != nil:
		return "", refused(Malformed, err)
	case isCheck(p.Type):
		return Verified, nil
	case p.Exhausted:
		_, _ = h.receive(r.Context(), p) // it takes note; there is nothing to store
		return Ignored, nil
	case len(p.Notices) == 0:
		h.logs[Ignored].Do(func() { h.opts.Logger.Info("push of another type ignored", "type", p.Type) })
		return Ignored, nil
	}
	return h.receive(r.Context(), p)
}

// isOf tells whether a message names that organisation, or none.
func isOf(message []byte, corpID string) bool {
	var names struct {
		CorpID      string `json:"CorpId"`
		EventCorpID string `json:"eventCorpId"`
	}
	if err := json.Unmarshal(message, &names); err != nil {
		return true // what is wrong with it is said by who reads it all
	}
	named := cmp.Or(names.CorpID, names.EventCorpID)
	return named == "" || named == corpID
}

// isCheck recognises the events by which DingTalk tests the URL.
func isCheck(eventType string) bool {
	switch eventType {
	case "check_url", "check_create_suite_url", "check_update_suite_url":
		return true
	}
	return false
}

func (h *handler) receive(ctx context.Context, p push.Push) (Outcome, *refusal) {
	if !h.slots.TryAcquire(1) {
		return "", refused(Overloaded, errors.New("too many pushes with the receiver"))
	}
	defer h.slots.Release(1)
	// The push is here and genuine: that its sender hangs up is no reason not to store it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.opts.Timeout)
	defer cancel()
	if err := h.opts.Receiver.Receive(ctx, p); err != nil {
		return "", refused(NotStored, err)
	}
	return Stored, nil
}

func (h *handler) refuse(w http.ResponseWriter, no *refusal) {
	answer := answers[no.outcome]
	switch answer.status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	problem.Write(w, answer.status, answer.detail)
	if errors.Is(no.err, push.ErrAway) {
		return // /readyz says so
	}
	h.logs[no.outcome].Do(func() {
		// What was sent may be long, and so may be what is said of it.
		h.opts.Logger.Warn("push refused", "outcome", no.outcome, "error", fmt.Sprintf("%.300s", no.err))
	})
}

// receipt is the answer to everything that needs no repeating. All of it are strings in the
// official demos.
type receipt struct {
	Signature string `json:"msg_signature"`
	TimeStamp string `json:"timeStamp"` // Unix milliseconds
	Nonce     string `json:"nonce"`
	Encrypt   string `json:"encrypt"`
}

func (h *handler) succeed(w http.ResponseWriter) {
	r := receipt{
		TimeStamp: strconv.FormatInt(h.opts.Now().UnixMilli(), 10),
		Nonce:     rand.Text()[:nonceLength],
		Encrypt:   h.opts.Cipher.Encrypt([]byte("success")),
	}
	r.Signature = h.opts.Cipher.Sign(r.TimeStamp, r.Nonce, r.Encrypt)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.MarshalWrite(w, r) // a client that is gone gets no more
}
