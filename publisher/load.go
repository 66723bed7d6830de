package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// getMessage is answered by the stream's leader only. A direct get may be answered by a replica
// that is behind.
const getMessage = "$JS.API.STREAM.MSG.GET." + events.Stream

// streamInfo is also answered by the leader only.
const streamInfo = "$JS.API.STREAM.INFO." + events.Stream

// stored is a state's message as it stands in the stream; the zero value when there is none.
type stored struct {
	revision    uint64
	transaction string
	expiry      expiry
	data        []byte
}

// Load reads a meeting's state from the stream's leader. A meeting without a state gets [diff.New]
// and revision 0 or, if events of it are stored, the state that follows from them. A commit of this
// publisher for the meeting that is under way is waited for, so after an [ErrUnknownOutcome] Load
// tells what became of it. A state of a newer version is refused with [diff.ErrNewerVersion].
func (p *Publisher) Load(ctx context.Context, conferenceID string) (Record, error) {
	if err := events.CheckConferenceID(conferenceID); err != nil {
		return Record{}, fmt.Errorf("load: %w", err)
	}
	if j := p.underway(conferenceID); j != nil {
		select {
		case <-j.done:
		case <-ctx.Done():
			return Record{}, fmt.Errorf("load meeting %s: %w", conferenceID, context.Cause(ctx))
		}
	}
	rec, err := p.stateOf(ctx, conferenceID)
	if err != nil {
		return Record{}, fmt.Errorf("load meeting %s: %w", conferenceID, err)
	}
	return rec, nil
}

// record reads what is stored, with the meeting's key if it is sealed.
func (s stored) record(conferenceID string, key diff.Key) (Record, error) {
	if s.revision == 0 {
		return Record{State: diff.New(conferenceID)}, nil
	}
	if !isSealed(s.data) {
		key = diff.Key{}
	}
	state, err := decodeState(s.data, key, conferenceID)
	if err != nil {
		return Record{}, fmt.Errorf("state of meeting %s at %d: %w", conferenceID, s.revision, err)
	}
	if state.ConferenceID != conferenceID {
		return Record{}, fmt.Errorf("%w: state of meeting %s at %d: it is of meeting %q", diff.ErrCorruptState, conferenceID, s.revision, state.ConferenceID)
	}
	return Record{State: state, Revision: s.revision, EventsExpire: int64(s.expiry), Key: key}, nil
}

// open reads a stored state, asking the leader for its key if it is sealed.
func (p *Publisher) open(ctx context.Context, conferenceID string, s stored) (Record, error) {
	var key diff.Key
	if isSealed(s.data) {
		var err error
		if key, err = p.keyOf(ctx, conferenceID); err != nil {
			return Record{}, fmt.Errorf("the key of the state: %w", err)
		}
	}
	return s.record(conferenceID, key)
}

// readRecord asks the leader for a meeting's state and, if it is sealed, for its key. Both may be
// replaced between the two answers.
func (p *Publisher) readRecord(ctx context.Context, conferenceID string) (Record, error) {
	for try := 1; ; try++ {
		s, err := p.read(ctx, conferenceID)
		if err != nil {
			return Record{}, err
		}
		rec, err := p.open(ctx, conferenceID, s)
		if !errors.Is(err, errOtherKey) || try == maxKeyReads {
			return rec, err
		}
	}
}

// maxKeyReads is how often a state is read whose key does not fit, until it counts as corrupt.
const maxKeyReads = 3

// read asks the leader for a meeting's state.
func (p *Publisher) read(ctx context.Context, conferenceID string) (stored, error) {
	m, err := p.lastMessage(ctx, StateSubject(conferenceID))
	if err != nil || m == nil {
		return stored{}, err
	}
	s := stored{revision: m.Seq, data: m.Data}
	return s, s.readHeader(m.header)
}

func (s *stored) readHeader(h nats.Header) error {
	var err error
	s.transaction = h.Get(hdrTransaction)
	s.expiry, err = parseExpiry(h.Get(hdrExpiry))
	return err
}

// message is a stored message as the API gives it.
type message struct {
	Subject string    `json:"subject"`
	Seq     uint64    `json:"seq"`
	Time    time.Time `json:"time"` // when the server stored it
	RawHdrs []byte    `json:"hdrs"`
	Data    []byte    `json:"data"`
	header  nats.Header
}

// lastMessage asks the leader for the last message of a subject, which may hold wildcards; nil when
// there is none.
func (p *Publisher) lastMessage(ctx context.Context, subject string) (*message, error) {
	return p.getMessage(ctx, map[string]any{"last_by_subj": subject})
}

// getMessage asks the leader for a message; nil when there is none.
func (p *Publisher) getMessage(ctx context.Context, which map[string]any) (*message, error) {
	var answer struct {
		Error   *apiError `json:"error"`
		Message *message  `json:"message"`
	}
	if err := p.ask(ctx, getMessage, which, &answer); err != nil {
		return nil, err
	}
	switch {
	case answer.Error != nil && answer.Error.Code == codeNoMessage:
		return nil, nil
	case answer.Error != nil:
		return nil, p.checkGone(answer.Error.err())
	case answer.Message == nil:
		return nil, errors.New("the server's answer holds neither message nor error")
	}
	m, err := answer.Message, error(nil)
	if len(m.RawHdrs) > 0 {
		if m.header, err = nats.DecodeHeadersMsg(m.RawHdrs); err != nil {
			return nil, fmt.Errorf("%w: headers of message %d: %w", diff.ErrCorruptState, m.Seq, err)
		}
	}
	return m, nil
}

// ask makes a request of JetStream's API and reads the answer.
func (p *Publisher) ask(ctx context.Context, subject string, request, answer any) error {
	req, err := json.Marshal(request)
	if err != nil {
		return err
	}
	reply, err := p.request(ctx, &nats.Msg{Subject: subject, Data: req})
	if err != nil {
		return p.checkGone(err)
	}
	if err := json.Unmarshal(reply.Data, answer); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}
