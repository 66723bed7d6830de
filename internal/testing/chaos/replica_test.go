package chaos_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// replica is a process of the service, and the ways from it to the NATS servers and to DingTalk.
type replica struct {
	*process
	number     int
	addr       string // of its HTTP interface
	toBrokers  []*faultproxy.Proxy
	toDingTalk *faultproxy.Proxy
}

// apiToken is that of every replica, where webhook and API are behind the same balancer.
const apiToken = "a-token-that-the-balancer-knows"

// newReplica prepares one. Without brokers it has its own.
func newReplica(t testing.TB, n int, addr string, d *dingtalk, brokers []*broker, program string, env []string) *replica {
	r := &replica{number: n, addr: addr, toDingTalk: faultproxy.Start(t, d.listen(n))}
	env = append([]string{
		"ROLLCALL_LISTEN=" + r.addr, "ROLLCALL_DINGTALK_URL=http://" + r.toDingTalk.Addr(),
		"ROLLCALL_DINGTALK_APP_KEY=" + simulator.DefaultAppKey, "ROLLCALL_DINGTALK_APP_SECRET=" + simulator.DefaultAppSecret, "ROLLCALL_DINGTALK_MONTHLY_CALLS=0",
		"ROLLCALL_WEBHOOK_TOKEN=" + keys.Token, "ROLLCALL_WEBHOOK_AES_KEY=" + keys.AESKey,
		"ROLLCALL_WEBHOOK_OWNER_KEY=" + keys.OwnerKey, "ROLLCALL_API_TOKEN=" + apiToken,
		"ROLLCALL_LOG_LEVEL=debug", "ROLLCALL_LOG_FORMAT=text",
	}, env...)
	if len(brokers) > 0 {
		var addrs []string
		for _, b := range brokers {
			proxy := faultproxy.Start(t, b.addr)
			r.toBrokers = append(r.toBrokers, proxy)
			addrs = append(addrs, "nats://"+proxy.Addr())
		}
		env = append(env, "ROLLCALL_NATS_URL="+strings.Join(addrs, ","), "ROLLCALL_NATS_REPLICAS="+strconv.Itoa(len(brokers)))
	}
	r.process = newProcess(t, "replica-"+strconv.Itoa(n+1), env, program, "serve")
	return r
}

// well tells whether the replica is ready.
func (r *replica) well(ctx context.Context) bool { return answers(ctx, "http://"+r.addr+"/readyz") }

// balancer passes every request on to any of the addresses, whether somebody is there or not, with
// the token.
func balancer(addrs []string) http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.Header.Set("Authorization", "Bearer "+apiToken)
			r.SetURL(&url.URL{Scheme: "http", Host: addrs[rand.IntN(len(addrs))]})
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}
