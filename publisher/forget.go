package publisher

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Somebody is forgotten in a meeting in two parts. What is known of the meeting without them is
// committed, as any change is, together with the events that say so and with a list of the messages
// that are to be overwritten, which names nobody. Then each of these is overwritten, and with the
// key of the states before all of those. Whoever finds a list, after whatever was killed, goes on
// with it; overwriting twice does no harm.

const (
	deleteMessage = "$JS.API.STREAM.MSG.DELETE." + events.Stream
	// dueSubjects is what lists of messages that are to be overwritten are stored on, by meeting.
	duePrefix = "rollcall.erase.due."
	// maxDue is how many messages stand in one list.
	maxDue = 10_000
	// hdrUntil is until when a message may stand that names somebody who is to be forgotten, in Unix
	// seconds.
	hdrUntil = "Rollcall-Until"
)

// Placed is a message where it is stored.
type Placed struct {
	Sequence uint64
	Stored   time.Time // by the server's clock
}

// Notice names somebody who is to be forgotten to those who keep what they read.
type Notice struct {
	Subject string // of the person's events
	UnionID string // empty for a guest
	IDs     []string
	// Until is when the notice is to be overwritten itself; see [Publisher.OverwriteNotices].
	Until time.Time
}

// Forget commits that somebody is forgotten in a meeting that is not watched: the events that say
// so, what is known of the meeting without them, sealed with a new key, and which messages are to be
// overwritten, which [Publisher.Overwrite] does. Errors are those of [Publisher.Commit].
func (p *Publisher) Forget(ctx context.Context, base Record, want diff.Forget, due []Placed, notices ...Notice) (Record, error) {
	res := want.Apply(base.State)
	step := diff.Step{Events: res.Events, State: res.State}
	if err := checkStep(base.State, step); err != nil {
		return base, fmt.Errorf("forget: %w", err)
	}
	j, err := p.buildWith(base, step, diff.Key{})
	if err != nil {
		return base, err
	}
	before := make([]*nats.Msg, 0, len(notices)+2)
	for len(due) > 0 || !base.Key.IsZero() && len(before) == 0 {
		n := min(len(due), maxDue)
		list, err := dueList(j.meeting, due[:n])
		if err != nil {
			return base, err
		}
		before, due = append(before, list), due[n:]
	}
	for i, n := range notices {
		msg, err := p.notice(j.meeting, n, want.Now, i)
		if err != nil {
			return base, err
		}
		before = append(before, msg)
	}
	j.msgs = append(before, j.msgs...)
	if p.keptWhole(base) && base.Revision > 0 {
		note, err := p.sinceNote(ctx, base)
		if err != nil {
			return base, wrapMeeting(j.meeting, err)
		}
		j.msgs = slices.Insert(j.msgs, len(j.msgs)-1, note)
	}
	revision, err := p.commitJob(ctx, j)
	if err != nil {
		return base, wrapMeeting(j.meeting, err)
	}
	return Record{State: j.next, Revision: revision, EventsExpire: int64(j.expiry), Key: j.key}, nil
}

// dueMessages is a list as it is stored: sequences, and when each was stored, in Unix nanoseconds.
type dueMessages struct {
	Messages [][2]int64 `json:"messages"`
}

func dueList(meeting string, due []Placed) (*nats.Msg, error) {
	var list dueMessages
	for _, at := range due {
		list.Messages = append(list.Messages, [2]int64{int64(at.Sequence), at.Stored.UnixNano()})
	}
	payload, err := json.Marshal(list)
	return &nats.Msg{Subject: ingest + duePrefix + meeting, Header: make(nats.Header, 4), Data: payload}, err
}

// notice is the message that names somebody, under the type of the event alone.
func (p *Publisher) notice(meeting string, n Notice, at int64, number int) (*nats.Msg, error) {
	e := events.Event{
		ID:     events.MeetingID(meeting, at, events.PersonForget, strconv.Itoa(number)),
		Source: events.Source(p.opts.CorpID, meeting), Type: events.PersonForget, Subject: n.Subject,
		Time: time.UnixMilli(at).UTC(), RecordedTime: p.opts.Now(),
		Forget: &events.Forget{ConferenceID: meeting, UnionID: n.UnionID, IDs: n.IDs},
	}
	payload, err := events.Encode(e)
	if err != nil {
		return nil, fmt.Errorf("forget: %w", err)
	}
	h := make(nats.Header, 8)
	h.Set(hdrContentType, events.ContentType)
	h.Set(hdrConference, meeting)
	h.Set(hdrUntil, strconv.FormatInt(n.Until.Unix(), 10))
	return &nats.Msg{Subject: ingest + string(events.PersonForget), Header: h, Data: payload}, nil
}

// Due returns the meetings of which messages are to be overwritten.
func (p *Publisher) Due(ctx context.Context) ([]string, error) {
	subjects, err := p.subjectsOf(ctx, duePrefix+">")
	if err != nil {
		return nil, fmt.Errorf("what is to be overwritten: %w", err)
	}
	for i, subject := range subjects {
		subjects[i] = subject[len(duePrefix):]
	}
	return subjects, nil
}

// IsDue tells whether messages of a meeting are to be overwritten.
func (p *Publisher) IsDue(ctx context.Context, conferenceID string) (bool, error) {
	list, err := p.lastMessage(ctx, duePrefix+conferenceID)
	return list != nil, err
}

// Overwrite overwrites what is due of a meeting: the messages on its lists, and the keys before the
// newest. It can be killed at any moment, and be run by several at once.
func (p *Publisher) Overwrite(ctx context.Context, conferenceID string, rest Rest) error {
	for {
		list, err := p.lastMessage(ctx, duePrefix+conferenceID)
		if err != nil || list == nil {
			return err
		}
		if err := p.overwriteList(ctx, conferenceID, list, rest); err != nil {
			return fmt.Errorf("overwrite messages of meeting %s: %w", conferenceID, err)
		}
	}
}

func (p *Publisher) overwriteList(ctx context.Context, conferenceID string, list *message, rest Rest) error {
	var due dueMessages
	if err := json.Unmarshal(list.Data, &due); err != nil {
		return fmt.Errorf("the list at %d: %w", list.Seq, err)
	}
	for _, at := range due.Messages {
		if err := p.overwriteOne(ctx, Placed{uint64(at[0]), time.Unix(0, at[1])}, rest); err != nil {
			return err
		}
	}
	if err := p.overwriteKeys(ctx, conferenceID, rest); err != nil {
		return err
	}
	return p.deleteAt(ctx, list.Seq, false)
}

// overwriteKeys overwrites all keys of a meeting but the newest.
func (p *Publisher) overwriteKeys(ctx context.Context, conferenceID string, rest Rest) error {
	newest, err := p.lastMessage(ctx, KeySubject(conferenceID))
	if err != nil || newest == nil {
		return err
	}
	for {
		old, err := p.getMessage(ctx, map[string]any{"seq": 1, "next_by_subj": KeySubject(conferenceID)})
		if err != nil || old == nil || old.Seq >= newest.Seq {
			return err
		}
		if err := p.overwriteAt(ctx, old.Seq, rest); err != nil {
			return err
		}
	}
}

// overwriteOne overwrites a message, unless it is gone or another one stands there by now.
func (p *Publisher) overwriteOne(ctx context.Context, at Placed, rest Rest) error {
	m, err := p.getMessage(ctx, map[string]any{"seq": at.Sequence})
	if err != nil || m == nil || !m.Time.Equal(at.Stored) {
		return err
	}
	return p.overwriteAt(ctx, at.Sequence, rest)
}

// OverwriteIf overwrites the message of a sequence, if its payload is what it is meant to be.
func (p *Publisher) OverwriteIf(ctx context.Context, sequence uint64, meant func(payload []byte) bool, rest Rest) error {
	m, err := p.getMessage(ctx, map[string]any{"seq": sequence})
	if err != nil || m == nil || !meant(m.Data) {
		return err
	}
	return p.overwriteAt(ctx, sequence, rest)
}

// EventsOf hands every stored event of a meeting to handle, in the stream's order: what it says, its
// payload, and where it is stored by meeting.
func (p *Publisher) EventsOf(ctx context.Context, conferenceID string, handle func(e events.Event, payload []byte, at Placed)) error {
	return p.eachEvent(ctx, conferenceID, func(e events.Event, msg jetstream.Msg, meta *jetstream.MsgMetadata) {
		handle(e, msg.Data(), Placed{meta.Sequence.Stream, meta.Timestamp})
	})
}

// CopyOf finds the copy by type of an event that is stored by meeting: the message before it. It is
// not there any more when it has expired.
func (p *Publisher) CopyOf(ctx context.Context, at Placed, payload []byte) (Placed, bool, error) {
	m, err := p.getMessage(ctx, map[string]any{"seq": at.Sequence - 1})
	if err != nil || m == nil || !bytes.Equal(m.Data, payload) {
		return Placed{}, false, err
	}
	return Placed{m.Seq, m.Time}, true, nil
}

func (p *Publisher) overwriteAt(ctx context.Context, sequence uint64, rest Rest) error {
	began := time.Now()
	if err := p.deleteAt(ctx, sequence, true); err != nil || rest == nil {
		return err
	}
	return rest(ctx, time.Since(began))
}

// deleteAt removes a message, and has the server overwrite it in its files if that is wanted. It is
// no error if there is none.
func (p *Publisher) deleteAt(ctx context.Context, sequence uint64, overwrite bool) error {
	var answer struct {
		Error *apiError `json:"error"`
	}
	err := p.ask(ctx, deleteMessage, map[string]any{"seq": sequence, "no_erase": !overwrite}, &answer)
	switch {
	case err != nil:
		return err
	case answer.Error == nil, answer.Error.Code == codeNoMessage, answer.Error.Code == codeNoSequence:
		return nil
	}
	return p.checkGone(answer.Error.err())
}

// OverwriteNotices overwrites the notices whose time is over, and returns how many are left. What
// stands there without a time is overwritten at once.
func (p *Publisher) OverwriteNotices(ctx context.Context, now time.Time, rest Rest) (left int, err error) {
	for m, err := range p.messages(ctx, 1, string(events.PersonForget)) {
		if err != nil {
			return left, err
		}
		if until, err := strconv.ParseInt(m.header.Get(hdrUntil), 10, 64); err == nil && now.Before(time.Unix(until, 0)) {
			left++
			continue
		}
		if err := p.overwriteAt(ctx, m.Seq, rest); err != nil {
			return left, err
		}
	}
	return left, nil
}
