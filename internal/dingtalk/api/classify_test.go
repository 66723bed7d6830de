package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

// failure is one reply that is no member list, and what is to be made of it.
type failure struct {
	status    int
	kind      string // Content-Type
	body      string
	header    map[string]string
	want      Kind
	trouble   poller.Trouble
	wait      time.Duration
	retried   bool
	retryable bool
}

const jsonType = "application/json;charset=UTF-8"

func failures() map[string]failure {
	limit := "Forbidden.AccessDenied."
	date := func(d time.Duration) string { return newClock().now().Add(d).UTC().Format(http.TimeFormat) }
	return map[string]failure{
		"QPS of the app": {
			status: 403, body: `{"code":"` + limit + `QpsLimitForAppkeyAndApi","message":"m","requestid":"r"}`,
			want: KindThrottled, trouble: poller.Throttled, wait: time.Second, retryable: true,
		},
		"QPS without prefix": {
			status: 403, body: `{"code":"QpsLimitForApi"}`,
			want: KindThrottled, trouble: poller.Throttled, wait: time.Second, retryable: true,
		},
		"QPS of a suite": {
			status: 403, body: `{"Code":"` + limit + `QpsLimitForSuitekeyAndOrgAndApi"}`,
			want: KindThrottled, trouble: poller.Throttled, wait: time.Second, retryable: true,
		},
		"QPM": {
			status: 403, body: `{"code":"` + limit + `QpmLimitForAppkeyAndApi"}`,
			want: KindThrottled, trouble: poller.Throttled, wait: 30 * time.Second, retryable: true,
		},
		"busy": {
			status: 429, body: `{"code":"system.busy"}`,
			want: KindThrottled, trouble: poller.Throttled, wait: time.Second, retryable: true,
		},
		"429 page": {
			status: 429, kind: "text/html", body: `<html>slow down</html>`,
			want: KindThrottled, trouble: poller.Throttled, wait: time.Second, retryable: true,
		},
		"429 that says how long": {
			status: 429, body: `{"code":"x"}`, header: map[string]string{"Retry-After": "17"},
			want: KindThrottled, trouble: poller.Throttled, wait: 17 * time.Second, retryable: true,
		},
		"429 that says until when": {
			status: 429, body: `{}`, header: map[string]string{"Retry-After": date(42 * time.Second)},
			want: KindThrottled, trouble: poller.Throttled, wait: 42 * time.Second, retryable: true,
		},
		"429 that asks too much": {
			status: 429, body: `{}`, header: map[string]string{"Retry-After": "99999999999999999"},
			want: KindThrottled, trouble: poller.Throttled, wait: 5 * time.Minute, retryable: true,
		},
		"429 until next year": {
			status: 429, body: `{}`, header: map[string]string{"Retry-After": date(9000 * time.Hour)},
			want: KindThrottled, trouble: poller.Throttled, wait: 5 * time.Minute, retryable: true,
		},
		"429 that talks nonsense": {
			status: 429, body: `{}`, header: map[string]string{"Retry-After": "-3"},
			want: KindThrottled, trouble: poller.Throttled, wait: time.Second, retryable: true,
		},
		"block, status 200": {
			status: 200, body: `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`,
			want: KindBlocked, trouble: poller.Throttled, wait: 5 * time.Second, retryable: true,
		},
		"block, status 403": {
			status: 403, body: `{"status":"1111","wait":"20"}`,
			want: KindBlocked, trouble: poller.Throttled, wait: 20 * time.Second, retryable: true,
		},
		"block, other number": {
			status: 200, body: `{"status":1112,"source":"x5","punish":"deny"}`,
			want: KindBlocked, trouble: poller.Throttled, wait: time.Minute, retryable: true,
		},
		"block that asks too much": {
			status: 200, body: `{"status":1111,"wait":86400}`,
			want: KindBlocked, trouble: poller.Throttled, wait: 5 * time.Minute, retryable: true,
		},
		"block page": {
			status: 200, kind: "text/html", body: `<html><a href="/_____tmd_____/punish?x5secdata=1">x</a></html>`,
			want: KindBlocked, trouble: poller.Throttled, wait: time.Minute, retryable: true,
		},
		"month's quota, 403": {
			status: 403, body: `{"code":"` + limit + `ApiCountLimitForOrg"}`,
			want: KindExhausted, trouble: poller.Exhausted, retryable: true,
		},
		"month's quota, 200": {
			status: 200, body: `{"code":"` + limit + `ApiCountLimitForOrg"}`,
			want: KindExhausted, trouble: poller.Exhausted, retryable: true,
		},
		"no permission": {
			status: 403, body: `{"code":"noPermission"}`, want: KindDenied, trouble: poller.Denied,
		},
		"permission not bought": {
			status: 403, body: `{"code":"` + limit + `AccessTokenPermissionDenied"}`, want: KindDenied, trouble: poller.Denied,
		},
		"no meeting": {
			status: 404, body: `{"code":"roomNotFound"}`, want: KindNotFound, trouble: poller.NotFound,
		},
		"no meeting, 400": {
			status: 400, body: `{"code":"roomNotFound"}`, want: KindNotFound, trouble: poller.NotFound,
		},
		"no meeting, says a failing server": {
			status: 502, body: `{"code":"roomNotFound"}`,
			want: KindServer, trouble: poller.Unavailable, retried: true, retryable: true,
		},
		"404 of somebody else": {
			status: 404, kind: "text/plain", body: "404 page not found",
			want: KindReply, trouble: poller.Unavailable, retryable: true,
		},
		"404 with another code": {
			status: 404, body: `{"code":"InvalidAction.NotFound"}`,
			want: KindReply, trouble: poller.Unavailable, retryable: true,
		},
		"no room id":     {status: 400, body: `{"code":"missingRoomId"}`, want: KindRequest, trouble: poller.Denied},
		"bad parameters": {status: 400, body: `{"code":"paramError"}`, want: KindRequest, trouble: poller.Denied},
		"system error": {
			status: 500, body: `{"code":"systemError"}`,
			want: KindServer, trouble: poller.Unavailable, retried: true, retryable: true,
		},
		"system error, 200": {
			status: 200, body: `{"code":"systemError"}`,
			want: KindServer, trouble: poller.Unavailable, retried: true, retryable: true,
		},
		"bad gateway": {
			status: 502, kind: "text/html", body: `<html>nginx</html>`,
			want: KindServer, trouble: poller.Unavailable, retried: true, retryable: true,
		},
		"unavailable for a while": {
			status: 503, kind: "text/plain", header: map[string]string{"Retry-After": "9"},
			want: KindServer, trouble: poller.Unavailable, wait: 9 * time.Second, retryable: true,
		},
		"HTML": {
			status: 200, kind: "text/html; charset=utf-8", body: `<html><h1>Sign in</h1></html>`,
			want: KindReply, trouble: poller.Unavailable, retryable: true,
		},
		"no list, with what a list has": {
			status: 200, body: `{"code":"InvalidParameter","message":"no","memberModels":[],"totalCount":0}`,
			want: KindReply, trouble: poller.Unavailable, retryable: true,
		},
		"block page that says it is JSON": {
			status: 200, kind: "application/json", body: "\n" + `<html><a href="/_____tmd_____/punish?x5secdata=1">x</a></html>`,
			want: KindBlocked, trouble: poller.Throttled, wait: time.Minute, retryable: true,
		},
		"no content": {status: 204, want: KindReply, trouble: poller.Unavailable, retryable: true},
		"403 page": {
			status: 403, kind: "text/html", body: `<html>forbidden</html>`,
			want: KindReply, trouble: poller.Unavailable, retryable: true,
		},
		"other JSON":       {status: 200, body: `{"success":true}`, want: KindReply, trouble: poller.Unavailable, retryable: true},
		"list of lists":    {status: 200, body: `[[]]`, want: KindReply, trouble: poller.Unavailable, retryable: true},
		"cut JSON":         {status: 200, body: `{"memberModels":[{"unionId":"a`, want: KindReply, trouble: poller.Unavailable, retryable: true},
		"code of a number": {status: 400, body: `{"code":77,"message":["x"]}`, want: KindReply, trouble: poller.Unavailable, retryable: true},
		"compressed": {
			status: 200, body: "\x1f\x8b\x08", header: map[string]string{"Content-Encoding": "gzip"},
			want: KindReply, trouble: poller.Unavailable, retryable: true,
		},
		"redirect": {
			status: 302, header: map[string]string{"Location": "https://elsewhere.example/x"},
			want: KindReply, trouble: poller.Unavailable, retryable: true,
		},
	}
}

func (f failure) serve(w http.ResponseWriter, _ *http.Request) {
	kind := f.kind
	if kind == "" {
		kind = jsonType
	}
	w.Header().Set("Content-Type", kind)
	for name, value := range f.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(f.body))
}

func TestFailedReplies(t *testing.T) {
	for name, f := range failures() {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(f.serve)
			c := u.client(t, func(o *Options) { o.Now = newClock().now })
			_, err := c.Members(t.Context(), "m")
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, f.want.String(), e.Kind.String())
			assert.Equal(t, f.status, e.Status, "the HTTP status is kept")
			assert.Equal(t, f.retryable, e.Retryable())
			told := trouble(t, err)
			assert.Equal(t, f.trouble.String(), told.Trouble.String())
			assert.Equal(t, f.wait, told.Wait)
			want := 1
			if f.retried {
				want += maxRetries
			}
			assert.Len(t, u.seen(), want)
			assert.Equal(t, 1, u.tokensGiven())
		})
	}
}

func TestErrorsSayWhatTheServerSaid(t *testing.T) {
	cases := map[string]struct {
		reply http.HandlerFunc
		want  string
	}{
		"code, message, request id": {
			answer(403, `{"code":"noPermission","message":"not\nyours","requestId":"R1"}`),
			"no_permission: dingtalk: list the members: HTTP 403: no permission: noPermission: not yours (request id R1)",
		},
		"upper case": {
			answer(403, `{"Code":"noPermission","Message":"no","RequestId":"R1"}`),
			"no_permission: dingtalk: list the members: HTTP 403: no permission: noPermission: no (request id R1)",
		},
		"page": {
			failure{status: 502, kind: "text/html", body: "<h1>\x1b[2JBad\r\n  gateway</h1>"}.serve,
			"unavailable: dingtalk: list the members: HTTP 502: server failure: <h1> [2JBad gateway</h1>",
		},
		"redirect": {
			failure{status: 302, header: map[string]string{"Location": "https://elsewhere.example/x?token=1"}}.serve,
			"unavailable: dingtalk: list the members: HTTP 302: a reply that makes no sense: redirected to elsewhere.example, which is not followed",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(c.reply)
			_, err := u.client(t).Members(t.Context(), "m")
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestABlockMetAgainIsGivenMoreTime(t *testing.T) {
	at := newClock()
	blocked := answer(200, `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`)
	list := answer(200, string(memberPage(0, 1, "", 1)))
	u := newUpstream(t)
	u.members(script(blocked, blocked, blocked, blocked, list, blocked))
	c := u.client(t, func(o *Options) { o.Now = at.now })
	look := func() time.Duration {
		_, err := c.Members(t.Context(), "m")
		return trouble(t, err).Wait
	}
	assert.Equal(t, 5*time.Second, look())
	at.advance(time.Second)
	assert.Equal(t, 4*time.Second, look(), "a call that was under way")
	at.advance(4 * time.Second)
	assert.Equal(t, 10*time.Second, look())
	at.advance(10 * time.Second)
	assert.Equal(t, 20*time.Second, look())
	at.advance(20 * time.Second)
	_, err := c.Members(t.Context(), "m")
	require.NoError(t, err)
	assert.Equal(t, 5*time.Second, look(), "a new block")
}

func TestABlockIsGivenFiveMinutesAtMost(t *testing.T) {
	var b block
	now := newClock()
	var last time.Duration
	for range 20 {
		last = b.wait(now.now(), 5*time.Second)
		now.advance(last)
	}
	assert.Equal(t, maxWait, last)
}
