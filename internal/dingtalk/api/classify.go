package api

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// How long to wait where upstream names no time. The platform's advice is one second on a QPS
// error; the limit per minute is unpublished, so half its window.
const (
	waitPerSecond = time.Second
	waitPerMinute = 30 * time.Second
	// waitBlockPage is for a block shown as an HTML page, which names no time. A documented block
	// lasts five minutes; asking once a minute costs nothing and notices its end.
	waitBlockPage = time.Minute
	// maxWait caps what upstream may ask for: a documented block lasts five minutes.
	maxWait = 5 * time.Minute
)

// fault turns a reply that is not what was asked for into an error.
func (c *Client) fault(op string, r reply) *Error {
	e := &Error{Op: op, Status: r.status}
	body, err := wire.ReadFault(r.body)
	if err != nil {
		e.Kind = kindOfPage(r)
		e.Message = c.excerpt(op, r)
	} else {
		e.Code = c.secrets.clean(body.Code(), maxCode)
		e.Message = c.secrets.clean(body.Message(), maxMessage)
		e.RequestID = c.secrets.clean(body.RequestID(), maxCode)
		e.Kind = kindOfBody(r.status, e.Code, &body)
		if e.Code == "" && e.Message == "" {
			e.Message = c.excerpt(op, r)
		}
	}
	if target := redirectHost(r); target != "" {
		e.Message = c.secrets.clean("redirected to "+target+", which is not followed", maxMessage)
	}
	e.Wait = c.waitFor(e, r, &body)
	return e
}

// excerpt is the beginning of a reply that could not be read. An unexpected reply to a token call
// may hold a token all the same.
func (c *Client) excerpt(op string, r reply) string {
	if op == opToken && r.status == http.StatusOK {
		return ""
	}
	return wire.Excerpt(r.body, c.secrets.redact)
}

// redirectHost is where a redirect leads, "" if the reply is none.
func redirectHost(r reply) string {
	if r.status < http.StatusMultipleChoices || r.status >= http.StatusBadRequest {
		return ""
	}
	target, err := url.Parse(r.header.Get("Location"))
	if err != nil || target.Host == "" {
		return "another page"
	}
	return target.Host
}

// kindOfPage judges a reply that is no JSON object.
func kindOfPage(r reply) Kind {
	switch {
	case r.status == http.StatusUnauthorized:
		return KindToken
	case r.status == http.StatusTooManyRequests:
		return KindThrottled
	case isBlockPage(r.body):
		return KindBlocked
	case r.status >= http.StatusInternalServerError:
		return KindServer
	default:
		return KindReply
	}
}

// isBlockPage recognises the page that Alibaba's gateway shows a blocked address: its links lead to
// /_____tmd_____/punish?x5secdata=….
func isBlockPage(body []byte) bool {
	page := string(body[:min(len(body), wire.ExcerptInput)])
	return strings.Contains(page, "_____tmd_____") || strings.Contains(page, "x5secdata")
}

// kindOfBody judges a JSON error by its code first: the same limit has been seen under several HTTP
// statuses.
func kindOfBody(status int, code string, body *wire.Fault) Kind {
	if body.Blocked() {
		return KindBlocked
	}
	if kind, known := kindOfCode(status, code); known {
		return kind
	}
	switch {
	case status == http.StatusUnauthorized:
		return KindToken
	case status == http.StatusTooManyRequests:
		return KindThrottled
	case status >= http.StatusInternalServerError:
		return KindServer
	case status == http.StatusForbidden && code != "":
		return KindDenied
	default:
		return KindReply
	}
}

// kindOfCode knows the documented codes. The limits' codes come with and without the prefix
// "Forbidden.AccessDenied." and with several endings (ForAppkeyAndApi, ForApi,
// ForSuitekeyAndOrgAndApi).
func kindOfCode(status int, code string) (Kind, bool) {
	lower := strings.ToLower(code)
	switch {
	case strings.Contains(lower, "apicountlimit"):
		return KindExhausted, true
	case strings.Contains(lower, "qpslimit"), strings.Contains(lower, "qpmlimit"), lower == "system.busy":
		return KindThrottled, true
	case lower == "invalidauthentication", isOldTokenCode(code):
		return KindToken, true
	case lower == "invalidclientidorsecret":
		return KindCredentials, true
	case lower == "systemerror":
		return KindServer, true
	case lower == "nopermission":
		return KindDenied, true
	case lower == "missingroomid", lower == "paramerror":
		return KindRequest, true
	case lower == "roomnotfound" && status < http.StatusInternalServerError:
		// A failing server does not know that a meeting is gone; believing it would close the
		// meeting.
		return KindNotFound, true
	default:
		return KindReply, false
	}
}

// isOldTokenCode recognises the codes by which the old API refuses an access token, with HTTP
// status 200: it is invalid, it has expired, or either, by the gateway in front.
func isOldTokenCode(code string) bool { return code == "40014" || code == "42001" || code == "88" }

// waitFor says how long upstream wants to be left alone: what it said itself if it did, else what
// its limit implies.
func (c *Client) waitFor(e *Error, r reply, body *wire.Fault) time.Duration {
	var wait time.Duration
	switch e.Kind {
	case KindThrottled:
		wait = waitPerSecond
		if strings.Contains(strings.ToLower(e.Code), "qpmlimit") {
			wait = waitPerMinute
		}
	case KindBlocked:
		wait = c.block.wait(c.now(), blockWait(body.Wait))
	}
	return min(max(wait, retryAfter(r.header, c.now())), maxWait)
}

// blockWait is the "wait" of a block's reply, read as seconds: no page gives its unit. Should it be
// minutes, the doubling of [block] finds the real length.
func blockWait(raw jsontext.Value) time.Duration {
	n, _ := wire.Int(raw)
	if n <= 0 {
		return waitBlockPage
	}
	return time.Duration(min(n, int64(maxWait/time.Second))) * time.Second
}
