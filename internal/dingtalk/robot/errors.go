package robot

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// What a robot's refusal means, for errors.Is.
var (
	// ErrBusy says that the robot cannot now; the same message may be sent again soon.
	ErrBusy = errors.New("the robot is busy")
	// ErrThrottled says that the robot was sent too much: it takes nothing for [Block].
	ErrThrottled = errors.New("the robot was sent too many messages")
	// ErrRefused says that the robot takes no message as it is set up: a wrong token or secret, an
	// address that is not allowed, a keyword that is missing, a robot that is switched off. A
	// person has to correct that.
	ErrRefused = errors.New("the robot refuses messages")
	// ErrContent says that the robot will never say this message, because of what is in it.
	ErrContent = errors.New("the robot refuses the content of the message")
)

// kinds are the documented codes; 130101, which robots answered for 410100 in the past; and the
// status of a blocked address, which comes without an errcode or with that of a robot that was sent
// too much. What is not listed has no kind: the message may be sent again later.
var kinds = map[int]error{
	-1:                 ErrBusy,
	130101:             ErrThrottled,
	410100:             ErrThrottled,
	wire.BlockedStatus: ErrThrottled,
	310000:             ErrRefused, // keyword, signature or address
	400013:             ErrRefused, // the group is no more
	400101:             ErrRefused, // no such token
	400102:             ErrRefused, // the robot is switched off
	400106:             ErrRefused, // no such robot
	430101:             ErrContent, // an unsafe link
	430102:             ErrContent, // an inappropriate text
	430103:             ErrContent, // an inappropriate picture
	430104:             ErrContent, // inappropriate for another reason
}

// Error is a robot's answer that it has not said a message.
type Error struct {
	// Code is the reply's errcode.
	Code int
	// Message is the reply's errmsg, shortened.
	Message string
}

// Error gives the code and the robot's own words.
func (e *Error) Error() string {
	text := fmt.Sprintf("the robot answers %d: %s", e.Code, e.Message)
	if kind := kinds[e.Code]; kind != nil {
		return fmt.Sprintf("%v (%s)", kind, text)
	}
	return text
}

// Unwrap returns what the code means: [ErrBusy], [ErrThrottled], [ErrRefused], [ErrContent], or
// nil.
func (e *Error) Unwrap() error { return kinds[e.Code] }

// maxMessage is how much of an errmsg is kept, in characters.
const maxMessage = 200

// clean makes a robot's words fit for a log: it may repeat what it was sent.
func (c *Client) clean(message string) string {
	for _, secret := range []string{c.options.Token, c.options.Secret} {
		if secret != "" {
			message = strings.NewReplacer(secret, "********", url.QueryEscape(secret), "********").Replace(message)
		}
	}
	return plaintext.Clean(message, maxMessage)
}
