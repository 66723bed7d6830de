package publisher

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Headers of our own and of the batch protocol, see NATS's ADR-50.
const (
	hdrConference  = events.MeetingHeader
	hdrUnion       = "Union-Id"
	hdrContentType = "Content-Type"
	hdrTransaction = "Rollcall-Transaction"   // on a state: which commit wrote it
	hdrExpiry      = "Rollcall-Events-Expire" // on a state: see expiry
	hdrBatch       = "Nats-Batch-Id"
	hdrBatchSeq    = "Nats-Batch-Sequence"
	hdrBatchCommit = "Nats-Batch-Commit"
)

// besides is how many messages a commit has besides those of its events: the key and the state.
const besides = 2

// batchHeaders is what the headers that are added to a message when it is sent take at most, in
// bytes.
const batchHeaders = 128

// build turns a step into the messages of one commit: every event twice, then the key if the state
// is the first to be sealed with it, then the state that follows from them.
func (p *Publisher) build(base Record, step diff.Step) (*job, error) {
	return p.buildWith(base, step, base.Key)
}

// buildWith is build where the state is sealed with a key, or with a new one if that is zero.
func (p *Publisher) buildWith(base Record, step diff.Step, key diff.Key) (*job, error) {
	now := p.opts.Now()
	j := newJob(base)
	j.expiry = expiry(base.EventsExpire).after(now, p.opts.Retention)
	j.msgs = make([]*nats.Msg, 0, 2*len(step.Events)+besides)
	retention, whole := p.opts.Retention, p.keptWhole(base)
	if whole {
		retention = 0 // a sweeper removes what has expired
	}
	link, err := p.linker(base.State, len(step.Events))
	if err != nil {
		return nil, err
	}
	for i := range step.Events {
		e := step.Events[i]
		e.Source = events.Source(p.opts.CorpID, j.meeting)
		e.DataSchema = events.DataSchema(e.Type)
		e.RecordedTime = now
		payload, err := link.encode(e)
		if err != nil {
			return nil, fmt.Errorf("meeting %s: %w", j.meeting, err)
		}
		j.addEvent(&e, payload, retention)
	}
	if j.key = key; key.IsZero() && p.seals(base.Key) {
		j.key = newKey()
		j.addKey(j.key)
	}
	j.next = link.state(step.State)
	if err := j.addState(j.next, p.blind); err != nil {
		return nil, err
	}
	if step.State.Phase != diff.Watched && !whole {
		if ttl := j.expiry.ttl(now); ttl > 0 {
			j.state().Header.Set(nats.MsgTTLHdr, formatTTL(ttl))
		}
	}
	return j, j.checkSizes(p.nc.MaxPayload())
}

// addEvent adds the two messages of an event, which the server removes after the retention; 0 means
// that it does not. Only the first has the event's id as the message's: within one stream an id
// stands for one message, and a batch that has it twice is refused. The second is the same event,
// byte for byte, so its id is in it.
func (j *job) addEvent(e *events.Event, payload []byte, retention time.Duration) {
	for _, subject := range []string{string(e.Type), events.ByMeeting(j.meeting, e.Type)} {
		h := make(nats.Header, 8)
		h.Set(hdrContentType, events.ContentType)
		h.Set(hdrConference, j.meeting)
		if e.Member != nil && e.Member.UnionID != "" {
			h.Set(hdrUnion, e.Member.UnionID)
		}
		if retention > 0 {
			h.Set(nats.MsgTTLHdr, formatTTL(retention))
		}
		j.msgs = append(j.msgs, &nats.Msg{Subject: ingest + subject, Header: h, Data: payload})
	}
	j.msgs[len(j.msgs)-2].Header.Set(nats.MsgIdHdr, e.ID)
}

// addState adds the message of the state, which replaces the one before and is only stored on top
// of it.
func (j *job) addState(s *diff.State, blind bool) error {
	payload, err := encodeState(s, j.key)
	if err != nil {
		return fmt.Errorf("meeting %s: encode the state: %w", j.meeting, err)
	}
	h := make(nats.Header, 8)
	h.Set(hdrTransaction, j.transaction)
	h.Set(hdrExpiry, j.expiry.String())
	h.Set(nats.MsgRollup, nats.MsgRollupSubject)
	if !blind {
		h.Set(nats.ExpectedLastSubjSeqHdr, strconv.FormatUint(j.base, 10))
	}
	j.msgs = append(j.msgs, &nats.Msg{Subject: ingest + StateSubject(j.meeting), Header: h, Data: payload})
	return nil
}

// checkSizes refuses what the server would, naming what it is.
func (j *job) checkSizes(maxPayload int64) error {
	for i, m := range j.msgs {
		size := len(m.Data) + headerSize(m.Header)
		if j.size += size; int64(size) <= maxPayload {
			continue
		}
		what := "the state"
		if i < len(j.msgs)-1 {
			what = "event " + strconv.Itoa(i/2+1)
		}
		return fmt.Errorf("meeting %s: %s is %w: %d bytes with headers, the server takes %d",
			j.meeting, what, ErrTooLarge, size, maxPayload)
	}
	return nil
}

// headerSize is the size of a message's headers on the wire, once it is in a batch.
func headerSize(h nats.Header) int {
	n := len("NATS/1.0\r\n\r\n") + batchHeaders
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return n
}
