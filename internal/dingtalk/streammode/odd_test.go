package streammode

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/internal/dingtalk/wire/wiretest"
)

// TestEndpointAndTicketAreEnough, whatever else the reply holds.
func TestEndpointAndTicketAreEnough(t *testing.T) {
	others := []string{
		`"extra":{"a":[1]}`, `"extra":null`, `"endpoint2":"x"`, `"code":"ok"`, `"message":["x"]`, `"errcode":0`, `"expireIn":90`, `"success":1`,
	}
	for _, v := range wiretest.Values() {
		others = append(others, `"code":`+v.Raw, `"message":`+v.Raw)
	}
	g := newGateway(t)
	given := make(chan string, 1)
	defer close(given)
	g.open = func(w http.ResponseWriter, r *http.Request) {
		discard(r)
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"endpoint":"%s/connect?region=x","ticket":%q,%s}`, "ws"+strings.TrimPrefix(g.URL, "http"), ticket, <-given)
	}
	run(g, quick(Options{}))
	for _, other := range others {
		given <- other
		p := g.next()
		p.ping()
		require.NoError(t, p.CloseNow())
	}
}

// TestAReplyWithoutAGatewaySaysWhy: with its own words or, where it has none, with how it begins.
func TestAReplyWithoutAGatewaySaysWhy(t *testing.T) {
	c := newClient(Options{ClientSecret: secret}.withDefaults())
	for _, r := range []struct {
		status     int
		body, want string
	}{
		{400, `{"code":40014,"message":"不合法的access_token"}`, "HTTP 400: 40014: 不合法的access_token"},
		{400, `{"code":"40014","message":"x","extra":{}}`, "HTTP 400: 40014: x"},
		{401, `{"Code":"authFailed","requestid":"r"}`, "HTTP 401: authFailed"},
		{200, `{"errcode":88,"errmsg":"ding talk error"}`, "HTTP 200: 88: ding talk error"},
		{403, `{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg","message":5}`, "HTTP 403: Forbidden.AccessDenied.ApiCountLimitForOrg: 5"},
		{400, "\ufeff" + `{"code":40014,"message":"marked"}`, "HTTP 400: 40014: marked"},
		{400, `{"code":40014,"message":{"text":["x"]}}`, "HTTP 400: 40014"},
		{502, "<html>\n<h1>Bad " + secret + " gateway</h1></html>", "HTTP 502: the reply has no endpoint or no ticket: <html> <h1>Bad [redacted] gateway</h1></html>"},
		{503, "busy", "HTTP 503: the reply has no endpoint or no ticket: busy"},
		{200, `{"ticket":"` + ticket + `"}`, "HTTP 200: the reply has no endpoint or no ticket"},
		{200, `{"ticket":"` + ticket, "HTTP 200: the reply has no endpoint or no ticket: JSON of 32 bytes"},
		{200, `["` + ticket + `"]`, "HTTP 200: the reply has no endpoint or no ticket: JSON of 25 bytes"},
		{204, ``, "HTTP 204: the reply has no endpoint or no ticket"},
	} {
		_, ok := c.gateway([]byte(r.body))
		assert.False(t, ok, r.body)
		assert.EqualError(t, c.refusal(r.status, []byte(r.body)), r.want)
	}
}

// TestAByteOrderMarkHidesNothing: some put one before what they send.
func TestAByteOrderMarkHidesNothing(t *testing.T) {
	const mark = "\ufeff"
	got, ok := newClient(Options{}.withDefaults()).gateway([]byte(mark + `{"endpoint":"wss://x","ticket":"y"}`))
	assert.True(t, ok)
	assert.Equal(t, place{"wss://x", "y"}, got)
	f, err := parseFrame([]byte(mark+`{"type":"SYSTEM","headers":{"topic":"ping"},"data":"{}"}`), nil)
	require.NoError(t, err)
	assert.Equal(t, "SYSTEM", f.Type)
}

// TestEventsOfOtherShapes: none of them is acknowledged and dropped.
func TestEventsOfOtherShapes(t *testing.T) {
	text, err := json.Marshal(joined)
	require.NoError(t, err)
	const kind = `"eventType":"meeting_member_status_change"`
	business := strings.TrimSuffix(strings.TrimPrefix(joined, "{"), "}")
	for name, c := range map[string]struct {
		frame    string
		answered bool
	}{
		"as documented":             {`{"type":"EVENT","headers":{"messageId":"m1",` + kind + `},"data":` + string(text) + `}`, true},
		"data as an object":         {`{"type":"EVENT","headers":{"messageId":"m1",` + kind + `},"data":` + joined + `}`, true},
		"small letters":             {`{"type":"event","headers":{"messageid":"m1","EVENTTYPE":"meeting_member_status_change"},"data":` + joined + `}`, true},
		"headers in a text":         {`{"type":"EVENT","headers":"{\"messageId\":\"m1\"}",` + kind + `,"data":` + joined + `}`, true},
		"type beside the headers":   {`{"type":"EVENT","headers":{"messageId":"m1"},` + kind + `,"data":` + joined + `}`, true},
		"type in the data":          {`{"type":"EVENT","headers":{"messageId":"m1"},"data":{` + kind + `,` + business + `}}`, true},
		"EventType in the data":     {`{"type":"EVENT","headers":{"messageId":"m1"},"data":{"EventType":"meeting_member_status_change",` + business + `}}`, true},
		"all in one object":         {`{"type":"EVENT","headers":{"messageId":"m1"},` + kind + `,` + business + `}`, true},
		"one object, with headers":  {`{"type":"EVENT","headers":{"messageId":"m1",` + kind + `},` + business + `}`, true},
		"one object, data empty":    {`{"type":"EVENT","headers":{"messageId":"m1",` + kind + `},"data":"",` + business + `}`, true},
		"no headers":                {`{"type":"EVENT","messageId":"m1","EventType":"meeting_member_status_change",` + business + `}`, true},
		"headers are a list":        {`{"type":"EVENT","messageId":"m1","headers":[],` + kind + `,"data":` + string(text) + `}`, true},
		"an event and no frame":     {`{"EventType":"meeting_member_status_change","eventId":"e","messageId":"m1",` + business + `}`, true},
		"an event, and no id of it": {`{` + kind + `,"eventBornTime":"1663143335567","data":` + joined + `}`, false},
		"data within the data":      {`{"type":"EVENT","headers":{"messageId":"m1"},"data":{` + kind + `,"data":` + string(text) + `}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan push.Push, 1)
			g := newGateway(t)
			run(g, Options{Receiver: receiver(func(_ context.Context, p push.Push) error { got <- p; return nil })})
			p := g.next()
			p.send(c.frame)
			received := await(t, got, "push")
			require.Len(t, received.Notices, 1)
			assert.Equal(t, "6321a", received.Notices[0].ConferenceID)
			assert.Len(t, received.Notices[0].Rows, 1)
			if c.answered {
				assert.Equal(t, success("m1"), p.ack())
			}
		})
	}
}

// TestThatPushesAreUsedUpReachesTheReceiver, and is acknowledged.
func TestThatPushesAreUsedUpReachesTheReceiver(t *testing.T) {
	for name, text := range map[string]string{
		"in the data":  `{"type":"EVENT","headers":{"messageId":"m1","eventType":"meeting_status_change"},"data":"{\"code\":20001}"}`,
		"in the frame": `{"type":"EVENT","code":"20001","headers":{"messageId":"m1","eventType":"meeting_status_change"},"data":null}`,
		"no type":      `{"type":"EVENT","headers":{"messageId":"m1"},"code":20001}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan push.Push, 1)
			g := newGateway(t)
			r := run(g, Options{Receiver: receiver(func(_ context.Context, p push.Push) error { got <- p; return nil })})
			p := g.next()
			p.send(text)
			assert.True(t, await(t, got, "push").Exhausted)
			assert.Equal(t, success("m1"), p.ack())
			assert.Equal(t, []Outcome{Ignored}, r.observed(1))
		})
	}
}

// TestEveryHeaderOfEveryType: none of them loses an event.
func TestEveryHeaderOfEveryType(t *testing.T) {
	for _, v := range wiretest.Values() {
		for _, name := range []string{"topic", "contentType", "time", "eventId", "eventCorpId", "eventBornTime", "eventUnifiedAppId", "eventType"} {
			text := fmt.Sprintf(`{"type":"EVENT","headers":{"messageId":"m1",%q:%s},"eventType":"meeting_member_status_change","data":%s}`, name, v.Raw, joined)
			f, err := parseFrame([]byte(text), nil)
			require.NoError(t, err, text)
			assert.Equal(t, "m1", f.header("messageId"), text)
			p, err := push.Decode(f.event(), f.envelope(), wire.NewOddities(nil))
			if name == "eventType" && len(p.Notices) == 0 {
				assert.NotEmpty(t, p.Type, "it is of another type, which is said")
				continue
			}
			require.NoError(t, err, text)
			require.Len(t, p.Notices, 1, text)
		}
	}
}
