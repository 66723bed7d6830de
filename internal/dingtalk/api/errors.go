package api

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/c4342123/rollcall/poller"
)

// ErrClosed is wrapped by the errors of a [Client] that was closed.
var ErrClosed = errors.New("the DingTalk client is closed")

// Kind is what kind of failure an [Error] is.
type Kind uint8

const (
	// KindReply is a reply that makes no sense: not what was asked for, not JSON, a list that
	// cannot be read to its end.
	KindReply Kind = iota
	// KindNetwork is a connection that failed or broke off.
	KindNetwork
	// KindTimeout is a reply that did not come in time.
	KindTimeout
	// KindServer is a failure of the server: systemError or an HTTP status of 500 and above.
	KindServer
	// KindThrottled says that calls come too fast (QpsLimit…, QpmLimit…, system.busy, HTTP 429).
	KindThrottled
	// KindBlocked says that this machine's address is blocked for a while.
	KindBlocked
	// KindExhausted says that the organisation's calls of the month are used up
	// (ApiCountLimitForOrg).
	KindExhausted
	// KindDenied says that the app may not do this (noPermission and other 403 with a code).
	KindDenied
	// KindNotFound says that there is no such meeting (roomNotFound).
	KindNotFound
	// KindRequest is a mistake of the caller (missingRoomId, paramError, an unusable id).
	KindRequest
	// KindToken is an access token that was refused (InvalidAuthentication, HTTP 401).
	KindToken
	// KindCredentials is an app key and secret (invalidClientIdOrSecret) or a fixed access token
	// that was refused.
	KindCredentials
)

// kindNames are what errors say of a kind for which the server gave neither code nor message.
var kindNames = [...]string{
	KindReply:       "a reply that makes no sense",
	KindNetwork:     "connection failed",
	KindTimeout:     "timed out",
	KindServer:      "server failure",
	KindThrottled:   "too many calls",
	KindBlocked:     "address blocked",
	KindExhausted:   "the month's calls are used up",
	KindDenied:      "no permission",
	KindNotFound:    "no such meeting",
	KindRequest:     "unusable request",
	KindToken:       "access token refused",
	KindCredentials: "credentials refused",
}

// String names the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is a call to DingTalk that failed. Its texts are bounded, free of control characters and of
// secrets.
type Error struct {
	// Op is what was being done.
	Op string
	// Kind says what kind of failure it is.
	Kind Kind
	// Status is the HTTP status, 0 when no reply came.
	Status int
	// Code, Message and RequestID are what the server's error body said, if it did.
	Code      string
	Message   string
	RequestID string
	// Wait is how long to leave before the next call, as far as upstream told; 0 when it did not.
	Wait time.Duration
	// Err is the cause, if there is one beyond the reply itself.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("dingtalk: ")
	b.WriteString(e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	b.WriteString(": ")
	b.WriteString(e.Kind.String())
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request id %s)", e.RequestID)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable reports whether the same call can succeed later without a change of the set-up.
func (e *Error) Retryable() bool {
	switch e.Kind {
	case KindDenied, KindNotFound, KindRequest, KindCredentials:
		return false
	default:
		return true
	}
}

// retryNow reports whether the same call can succeed within the second.
func (e *Error) retryNow() bool {
	switch e.Kind {
	case KindNetwork, KindTimeout, KindServer:
		return e.Wait == 0
	default:
		return false
	}
}

// source puts the failure in the poller's terms.
func (e *Error) source() *poller.SourceError {
	return &poller.SourceError{Trouble: e.trouble(), Wait: e.Wait, Err: e}
}

func (e *Error) trouble() poller.Trouble {
	switch e.Kind {
	case KindThrottled, KindBlocked:
		return poller.Throttled
	case KindExhausted:
		return poller.Exhausted
	case KindNotFound:
		return poller.NotFound
	case KindDenied, KindRequest, KindCredentials:
		return poller.Denied
	default:
		return poller.Unavailable
	}
}
