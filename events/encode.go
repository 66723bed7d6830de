package events

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ContentType is the content type of a message: structured-mode CloudEvents.
const ContentType = "application/cloudevents+json"

const sequenceDigits = 10

// ErrInvalid is wrapped by every error of [Encode].
var ErrInvalid = errors.New("invalid event")

// Encode writes an event as structured-mode CloudEvents JSON. It refuses, with an error that wraps
// [ErrInvalid] and names the attribute, what a consumer could not trust.
func Encode(e Event) ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	if err := e.checkChain(); err != nil {
		return nil, err
	}
	w := writer{buf: make([]byte, 0, 1280)}
	w.open()
	w.str("specversion", "1.0")
	w.str("id", e.ID)
	w.str("source", e.Source)
	w.str("type", string(e.Type))
	if e.Subject != "" {
		w.str("subject", e.Subject)
	}
	w.time("time", e.Time)
	w.str("datacontenttype", "application/json")
	w.str("dataschema", DataSchema(e.Type))
	w.time("recordedtime", e.RecordedTime)
	if e.Sequence > 0 {
		w.str("sequence", FormatSequence(e.Sequence))
	}
	if e.Previous != "" {
		w.plain("previous", e.Previous)
	}
	if e.Salt != "" {
		w.plain("salt", e.Salt)
	}
	w.key("data")
	e.appendData(&w)
	w.close()
	return w.buf, nil
}

// FormatSequence writes a sequence number so that it sorts as a string.
func FormatSequence(n uint64) string {
	s := strconv.FormatUint(n, 10)
	if len(s) < sequenceDigits {
		s = strings.Repeat("0", sequenceDigits-len(s)) + s
	}
	return s
}

// ConferenceID is the meeting the event is about; empty for one that is about none.
func (e *Event) ConferenceID() string {
	switch {
	case e.Member != nil:
		return e.Member.ConferenceID
	case e.Meeting != nil:
		return e.Meeting.ConferenceID
	case e.Gap != nil:
		return e.Gap.ConferenceID
	case e.Erased != nil:
		return e.Erased.ConferenceID
	case e.Forget != nil:
		return e.Forget.ConferenceID
	default:
		return ""
	}
}

// OfSource tells whether events of type t are about no single meeting, but about whether meetings
// are found at all.
func (t Type) OfSource() bool { return t == SourceBlind || t == SourceSeeing }

// Chained tells whether events of type t are found by meeting, and stand in its chain.
func (t Type) Chained() bool {
	return !t.OfSource() && t != PersonForget && t != AuditCheckpoint && t != AccessRead
}

// OfMember tells whether events of type t are about a member of a meeting.
func (t Type) OfMember() bool { return t == Joined || t == Left || t == Kicked }

func (e *Event) validate() error {
	switch {
	case e.ID == "":
		return fmt.Errorf("%w: no id", ErrInvalid)
	case e.Source == "":
		return fmt.Errorf("%w %s: no source", ErrInvalid, e.ID)
	case !writable(e.Time):
		return fmt.Errorf("%w %s: time %v", ErrInvalid, e.ID, e.Time)
	case !writable(e.RecordedTime):
		return fmt.Errorf("%w %s: recordedtime %v", ErrInvalid, e.ID, e.RecordedTime)
	case e.Meeting != nil && (math.IsNaN(e.Meeting.PersonMinutes) || math.IsInf(e.Meeting.PersonMinutes, 0)):
		return fmt.Errorf("%w %s: personMinutes %v", ErrInvalid, e.ID, e.Meeting.PersonMinutes)
	}
	if err := e.checkKind(); err != nil {
		return err
	}
	if e.Type.OfSource() || e.Type == AuditCheckpoint {
		return nil
	}
	if e.Access != nil {
		return e.Access.validate()
	}
	return CheckConferenceID(e.ConferenceID())
}

// MaxTime is the end of the year 9999 in Unix milliseconds, the last time that RFC 3339 can write.
const MaxTime = 253402300799999

// writable tells whether RFC 3339 can write t.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return !t.IsZero() && year > 0 && year <= 9999
}

// checkKind holds the event to its type: the right data, and the attributes that go with it.
func (e *Event) checkKind() error {
	if err := e.checkData(); err != nil {
		return err
	}
	if e.Type.OfMember() {
		if e.Subject == "" || e.Sequence == 0 {
			return fmt.Errorf("%w %s: %s without subject or sequence", ErrInvalid, e.ID, e.Type)
		}
		return nil
	}
	if e.Sequence != 0 {
		return fmt.Errorf("%w %s: %s carries no sequence", ErrInvalid, e.ID, e.Type)
	}
	return nil
}

// checkData holds the event to the data of its type.
func (e *Event) checkData() error {
	kind := ""
	switch e.Type {
	case Joined, Left, Kicked:
		kind = "member"
	case MeetingStarted, MeetingUpdated, MeetingEnded:
		kind = "meeting"
	case MeetingGap:
		kind = "gap"
	case SourceBlind, SourceSeeing:
		kind = "sight"
	case PersonErased:
		kind = "erased"
	case PersonForget:
		kind = "forget"
	case AuditCheckpoint:
		kind = "checkpoint"
	case AccessRead:
		kind = "access"
	default:
		return fmt.Errorf("%w %s: type %q", ErrInvalid, e.ID, e.Type)
	}
	if (e.Member != nil) != (kind == "member") || (e.Meeting != nil) != (kind == "meeting") ||
		(e.Gap != nil) != (kind == "gap") || (e.Sight != nil) != (kind == "sight") ||
		(e.Erased != nil) != (kind == "erased") || (e.Forget != nil) != (kind == "forget") ||
		(e.Checkpoint != nil) != (kind == "checkpoint") || (e.Access != nil) != (kind == "access") {
		return fmt.Errorf("%w %s: %s carries %s data and nothing else", ErrInvalid, e.ID, e.Type, kind)
	}
	return nil
}

func (e *Event) appendData(w *writer) {
	w.open()
	switch {
	case e.Member != nil:
		e.Member.append(w)
	case e.Meeting != nil:
		e.Meeting.append(w)
	case e.Gap != nil:
		e.Gap.append(w)
	case e.Sight != nil:
		e.Sight.append(w)
	case e.Erased != nil:
		e.Erased.append(w)
	case e.Forget != nil:
		e.Forget.append(w)
	case e.Checkpoint != nil:
		w.str("checkpoint", e.Checkpoint.Checkpoint)
	case e.Access != nil:
		e.Access.append(w)
	}
	w.close()
}

func (m *Member) append(w *writer) {
	w.str("conferenceId", m.ConferenceID)
	if m.Title != "" {
		w.str("title", m.Title)
	}
	w.str("unionId", m.UnionID)
	w.str("userNick", m.UserNick)
	w.bool("host", m.Host)
	w.bool("coHost", m.CoHost)
	if m.EverHost {
		w.bool("everHost", true)
	}
	if m.EverCoHost {
		w.bool("everCoHost", true)
	}
	w.bool("outerOrgMember", m.OuterOrgMember)
	w.bool("pstnJoin", m.PSTNJoin)
	w.int("attendStatus", int64(m.AttendStatus))
	w.int("previousAttendStatus", int64(m.PreviousAttendStatus))
	w.int("joinTime", m.JoinTime)
	w.int("leaveTime", m.LeaveTime)
	w.int("duration", m.Duration)
	w.str("reason", string(m.Reason))
	w.bool("initial", m.Initial)
	w.bool("inferred", m.Inferred)
	w.int("observedAfter", m.ObservedAfter)
	w.int("observedBefore", m.ObservedBefore)
	w.str("via", string(m.Via))
	w.int("activeCount", int64(m.ActiveCount))
	w.int("visit", int64(m.Visit))
}

func (m *Meeting) append(w *writer) {
	w.str("conferenceId", m.ConferenceID)
	w.str("title", m.Title)
	w.str("creatorId", m.CreatorID)
	w.str("creatorNick", m.CreatorNick)
	w.int("startTime", m.StartTime)
	w.int("endTime", m.EndTime)
	w.str("reason", m.Reason)
	w.int("people", int64(m.People))
	w.int("peak", int64(m.Peak))
	w.key("personMinutes")
	w.buf = strconv.AppendFloat(w.buf, m.PersonMinutes, 'f', -1, 64)
	if m.Restarted {
		w.bool("restarted", true)
	}
	m.Seal.append(w)
}

func (g *Gap) append(w *writer) {
	w.str("conferenceId", g.ConferenceID)
	w.int("from", g.From)
	w.int("to", g.To)
	w.str("reason", g.Reason)
	g.Seal.append(w)
}

// append writes the seal, if there is one.
func (s *Seal) append(w *writer) {
	if s == nil {
		return
	}
	w.key("seal")
	w.open()
	w.uint("events", s.Events)
	w.str("hash", s.Hash)
	w.str("key", s.Key)
	w.str("signature", s.Signature)
	w.close()
}

func (s *Sight) append(w *writer) {
	w.int("from", s.From)
	w.int("to", s.To)
	w.str("reason", s.Reason)
}
