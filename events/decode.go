package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNotRollcall is wrapped by the errors of [Decode] for a payload that is no event of Rollcall.
var ErrNotRollcall = errors.New("not an event of rollcall")

// envelope is the CloudEvents form of an event as it is read.
type envelope struct {
	SpecVersion  string          `json:"specversion"`
	ID           string          `json:"id"`
	Source       string          `json:"source"`
	Type         Type            `json:"type"`
	Subject      string          `json:"subject"`
	Time         time.Time       `json:"time"`
	RecordedTime time.Time       `json:"recordedtime"`
	Sequence     string          `json:"sequence"`
	Previous     string          `json:"previous"`
	Salt         string          `json:"salt"`
	DataSchema   string          `json:"dataschema"`
	Data         json.RawMessage `json:"data"`
}

// Decode reads the payload of a message. Unknown attributes and fields are ignored, so that an
// older consumer reads the events of a newer Rollcall. What is no event of Rollcall gives an error
// that wraps [ErrNotRollcall].
func Decode(payload []byte) (Event, error) {
	var env envelope
	if err := json.Unmarshal(payload, &env); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrNotRollcall, err)
	}
	if !strings.HasPrefix(env.SpecVersion, "1.") {
		return Event{}, fmt.Errorf("%w: specversion %q", ErrNotRollcall, env.SpecVersion)
	}
	e := Event{
		ID: env.ID, Source: env.Source, Type: env.Type, Subject: env.Subject,
		Time: env.Time, RecordedTime: env.RecordedTime, DataSchema: env.DataSchema,
		Previous: env.Previous, Salt: env.Salt,
	}
	if env.Sequence != "" {
		n, err := strconv.ParseUint(env.Sequence, 10, 64)
		if err != nil {
			return Event{}, fmt.Errorf("%w: sequence %q", ErrNotRollcall, env.Sequence)
		}
		e.Sequence = n
	}
	if err := e.decodeData(env.Data); err != nil {
		return Event{}, err
	}
	if err := e.validate(); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrNotRollcall, err)
	}
	return e, nil
}

func (e *Event) decodeData(data json.RawMessage) error {
	var into any
	switch e.Type {
	case Joined, Left, Kicked:
		e.Member = new(Member)
		into = e.Member
	case MeetingStarted, MeetingUpdated, MeetingEnded:
		e.Meeting = new(Meeting)
		into = e.Meeting
	case MeetingGap:
		e.Gap = new(Gap)
		into = e.Gap
	case SourceBlind, SourceSeeing:
		e.Sight = new(Sight)
		into = e.Sight
	case PersonErased:
		e.Erased = new(Erased)
		into = e.Erased
	case PersonForget:
		e.Forget = new(Forget)
		into = e.Forget
	case AuditCheckpoint:
		e.Checkpoint = new(Checkpoint)
		into = e.Checkpoint
	case AccessRead:
		e.Access = new(Access)
		into = e.Access
	default:
		return fmt.Errorf("%w: type %q", ErrNotRollcall, e.Type)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: data of %s: %w", ErrNotRollcall, e.Type, err)
	}
	return nil
}
