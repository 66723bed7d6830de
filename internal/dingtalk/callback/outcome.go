package callback

import "net/http"

// Outcome is how a request ended. There are few of them, so they may be labels of a metric.
type Outcome string

// The outcomes that are answered with success.
const (
	// Stored is a push whose consequences are stored.
	Stored Outcome = "stored"
	// Ignored is a push of a type that is not about meetings.
	Ignored Outcome = "ignored"
	// Verified is DingTalk's test of the callback's URL.
	Verified Outcome = "verified"
)

// The outcomes that are refused.
const (
	WrongMethod    Outcome = "wrong_method"
	TooLarge       Outcome = "too_large"
	TooSlow        Outcome = "too_slow"
	Malformed      Outcome = "malformed" // cannot be parsed
	WrongSignature Outcome = "wrong_signature"
	Stale          Outcome = "stale" // outside the window
	Undecipherable Outcome = "undecipherable"
	Overloaded     Outcome = "overloaded"
	NotStored      Outcome = "not_stored"
)

// answers are the HTTP statuses of the refusals and what they say to a person. DingTalk sends a
// push again, 10 s and 30 s later, whatever the status.
var answers = map[Outcome]struct {
	status int
	detail string
}{
	WrongMethod:    {http.StatusMethodNotAllowed, "only POST is possible here"},
	TooLarge:       {http.StatusRequestEntityTooLarge, "the body is larger than 1 MiB"},
	TooSlow:        {http.StatusRequestTimeout, "the body did not arrive in time"},
	Malformed:      {http.StatusBadRequest, "this is not a push that can be read"},
	WrongSignature: {http.StatusUnauthorized, "the signature is missing or wrong"},
	Stale:          {http.StatusUnauthorized, "the time stamp is missing or too far from now"},
	Undecipherable: {http.StatusBadRequest, "the message cannot be decrypted or is addressed to somebody else"},
	Overloaded:     {http.StatusServiceUnavailable, "too many pushes at once, send it again"},
	NotStored:      {http.StatusServiceUnavailable, "the push could not be stored in time, send it again"},
}

// refusal says why a request is not answered with success. The text of err is for the log alone.
type refusal struct {
	outcome Outcome
	err     error
}

func refused(outcome Outcome, err error) *refusal { return &refusal{outcome: outcome, err: err} }
