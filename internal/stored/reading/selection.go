package reading

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrNoEvent says that a stored message is no event.
var ErrNoEvent = errors.New("no event")

// skew is how far a clock that times come from may be ahead of that of the NATS server.
const skew = 10 * time.Minute

// Selection picks events by what they say, which the stream cannot do. The zero value picks all.
type Selection struct {
	// Person is the subject of the events: a unionId, or what stands for it of a guest.
	Person string
	// Since and Until bound when it happened: at or after Since, before Until. The zero time bounds
	// nothing.
	Since, Until time.Time
}

// StoredSince is when the first of the events can have been stored; the zero time when that is not
// known. There is no last: an event is stored after it happened, and no one knows how long after.
func (s Selection) StoredSince() time.Time {
	if s.Since.IsZero() {
		return s.Since
	}
	return s.Since.Add(-skew)
}

// Picks tells whether the selection has an event in it. It reads no more of the event than it has
// to.
func (s Selection) Picks(event []byte) (bool, error) {
	byTime := !s.Since.IsZero() || !s.Until.IsZero()
	if s.Person == "" && !byTime {
		return true, nil
	}
	subject, at, err := attributes(event, s.Person != "", byTime)
	if err != nil {
		return false, err
	}
	return (s.Person == "" || subject == s.Person) &&
		(s.Since.IsZero() || !at.Before(s.Since)) && (s.Until.IsZero() || at.Before(s.Until)), nil
}

// attributes reads those that are wanted. An event of a meeting has no subject.
func attributes(event []byte, wantSubject, wantTime bool) (subject string, at time.Time, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(event), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return "", time.Time{}, ErrNoEvent
	}
	for (wantSubject || wantTime) && d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", time.Time{}, fmt.Errorf("%w: %w", ErrNoEvent, err)
		}
		switch name.String() {
		case "subject":
			var t jsontext.Token
			if t, err = d.ReadToken(); err == nil {
				subject, wantSubject = t.String(), false
			}
		case "time":
			var t jsontext.Token
			if t, err = d.ReadToken(); err == nil {
				at, err = time.Parse(time.RFC3339, t.String())
				wantTime = false
			}
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return "", time.Time{}, fmt.Errorf("%w: %w", ErrNoEvent, err)
		}
	}
	if wantTime {
		return "", time.Time{}, fmt.Errorf("%w: it has no time", ErrNoEvent)
	}
	return subject, at, nil
}
