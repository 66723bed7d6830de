package wire

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Fault is the union of the bodies that say what went wrong: {"code","message","requestid"} of the
// present API, which has been seen with other capitals, too, and {"errcode","errmsg"} of the old
// one. Values are raw, because a type that is not as documented must not hide the rest.
type Fault struct {
	RawCode      jsontext.Value `json:"code"`
	RawMessage   jsontext.Value `json:"message"`
	RawRequestID jsontext.Value `json:"requestid"`
	ErrCode      jsontext.Value `json:"errcode"`
	ErrMsg       jsontext.Value `json:"errmsg"`
	// Status, Wait, Source and Punish are of the reply to a blocked address,
	// {"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"…"}.
	Status jsontext.Value `json:"status"`
	Wait   jsontext.Value `json:"wait"`
	Source jsontext.Value `json:"source"`
	Punish jsontext.Value `json:"punish"`
}

// ReadFault reads a body. An error says that it is no JSON object.
func ReadFault(body []byte) (Fault, error) {
	var f Fault
	if err := json.Unmarshal(Body(body), &f, AnyCase); err != nil {
		return Fault{}, errors.New("not a JSON object")
	}
	return f, nil
}

// Code is what identifies the failure, empty when there is none. An errcode of 0 is none. A number
// is its digits, whichever way it is written.
func (f *Fault) Code() string {
	if code := codeOf(f.ErrCode); code != "" && code != "0" {
		return code
	}
	return codeOf(f.RawCode)
}

func codeOf(raw jsontext.Value) string {
	if n, r := Code(raw); r != Unreadable && !None(raw) {
		return strconv.FormatInt(n, 10)
	}
	code, _ := Text(raw)
	return strings.TrimSpace(code)
}

// Message is what is said to people.
func (f *Fault) Message() string {
	if text, _ := Text(f.RawMessage); text != "" {
		return text
	}
	text, _ := Text(f.ErrMsg)
	return text
}

// RequestID is what DingTalk's support asks for.
func (f *Fault) RequestID() string {
	text, _ := Text(f.RawRequestID)
	return text
}

// Blocked reports whether it says that this machine's address is blocked.
func (f *Fault) Blocked() bool {
	if n, r := Code(f.Status); r != Unreadable && n == BlockedStatus {
		return true
	}
	source, _ := Text(f.Source)
	punish, _ := Text(f.Punish)
	return source == "x5" && punish != ""
}

// IsFailure reports whether the value of "code" is that of a failure. Where nothing failed there is
// none, or one of those that servers send to say so.
func IsFailure(raw jsontext.Value) bool {
	switch strings.ToLower(codeOf(raw)) {
	case "", "0", "200", "ok", "success", "true":
		return false
	default:
		return true
	}
}

// Refusal are the fields by which a reply says that it is none, whatever else it holds: some
// servers send the fields of a good reply with it, empty.
type Refusal struct {
	ErrCode jsontext.Value `json:"errcode"`
	Success jsontext.Value `json:"success"`
}

// Refused reports whether they say so.
func (r Refusal) Refused() bool {
	code, reading := Code(r.ErrCode)
	if code != 0 || reading == Unreadable {
		return true
	}
	success, given, _ := BoolGiven(r.Success)
	return given && !success
}
