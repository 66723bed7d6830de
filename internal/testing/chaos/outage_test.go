package chaos_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// outages are the ways in which DingTalk's API fails for all callers, until that is over.
var outages = []struct {
	name   string
	answer func(over <-chan struct{}) http.HandlerFunc
}{
	{"errors", func(<-chan struct{}) http.HandlerFunc { return gatewayError }},
	{"hangs", hang},
	{"gone", func(<-chan struct{}) http.HandlerFunc { return hangUp }},
	{"either", func(over <-chan struct{}) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			[]http.HandlerFunc{gatewayError, hang(over), hangUp}[rand.IntN(3)](w, r)
		}
	}},
}

// gatewayError answers as a gateway does that has nobody behind it.
func gatewayError(w http.ResponseWriter, _ *http.Request) {
	codes := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(codes[rand.IntN(len(codes))])
	_, _ = w.Write([]byte("<html><body>sorry</body></html>"))
}

// hang says nothing until the outage is over.
func hang(over <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
		hangUp(w, r)
	}
}

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// fail lets the API fail for all replicas, for as long as the injury says, and waits until they
// look again.
func (w *world) fail(ctx context.Context, in injury) {
	over := make(chan struct{})
	answer := outages[in.way%len(outages)].answer(over)
	w.dingtalk.down.Store(&answer)
	pass(ctx, in.wait)
	w.dingtalk.down.Store(nil)
	close(over)
	end := time.Now()
	w.within(recovery, func(context.Context) bool { return w.dingtalk.sawAll(w.held(), end) })
}
