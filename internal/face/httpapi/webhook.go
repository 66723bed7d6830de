package httpapi

import (
	"context"
	"net"
	"net/http"

	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
)

// webhookPath is what DingTalk calls, alone or with the corpId of an organisation below it.
const webhookPath = "/webhooks/dingtalk"

// Webhook is what DingTalk calls.
type Webhook struct {
	// Handler answers; without one there is nothing.
	Handler http.Handler
	// CorpID is the organisation that may be named in the path.
	CorpID string
}

// route adds what DingTalk calls to a mux, for one method or, when that is empty, for all of them.
func (h Webhook) route(mux *http.ServeMux, method string) {
	if h.Handler == nil {
		return
	}
	mux.Handle(method+webhookPath, h.Handler)
	mux.HandleFunc(method+webhookPath+"/{"+callback.PathCorpID+"}", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.PathValue(callback.PathCorpID) != h.CorpID {
			problem.Write(w, http.StatusNotFound, "there is no organisation of this corpId (ROLLCALL_DINGTALK_CORP_ID)")
			return
		}
		h.Handler.ServeHTTP(w, r)
	})
}

// ServeWebhook is [Serve] for what DingTalk calls, and nothing else but whether the process
// answers.
func ServeWebhook(ctx context.Context, ln net.Listener, opts Options) error {
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	a := &api{opts: opts, log: opts.logger()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", live)
	opts.Webhook.route(mux, http.MethodPost+" ")
	mux.HandleFunc("/", nothing)
	return serve(ctx, &door{ln, opts.Room}, newServer(requests, opts, a.whole(mux)), closeTimeout)
}
