package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// verdict is what the server's answer to a batch means.
type verdict int

const (
	committed verdict = iota // stored whole
	conflict                 // nothing stored: a state was replaced since it was read
	duplicate                // nothing stored: an event is stored already
	tooLarge                 // nothing stored: too many messages for one batch
	refused                  // nothing stored, and trying again does not help
	busy                     // nothing stored; the server cannot take it now
	unknown                  // it may be stored or not, or be stored later
)

// rejects tells whether one of several meetings may be the reason.
func (v verdict) rejects() bool {
	return v == conflict || v == duplicate || v == tooLarge || v == refused
}

func (v verdict) String() string {
	return [...]string{"committed", "conflict", "duplicate", "too large", "refused", "busy", "unknown"}[v]
}

var errNotAnAck = errors.New("the server's answer is no acknowledgement of the batch")

// answer is the outcome of sending a batch once.
type answer struct {
	verdict  verdict
	sequence uint64 // of the batch's last message in the stream, when committed
	err      error  // otherwise
}

// send publishes the jobs as one batch, only the last message as a request, and waits for the
// answer. Each attempt has a batch id of its own: the server may still hold the beginning of an
// earlier one.
func (p *Publisher) send(ctx context.Context, group []*job) answer {
	if ctx.Err() != nil {
		return answer{verdict: busy, err: context.Cause(ctx)}
	}
	msgs := make([]*nats.Msg, 0, messages(group))
	for _, j := range group {
		msgs = append(msgs, j.msgs...)
	}
	batch := nuid.Next()
	for i, m := range msgs {
		m.Header[hdrBatch] = []string{batch}
		m.Header[hdrBatchSeq] = []string{strconv.Itoa(i + 1)}
		delete(m.Header, hdrBatchCommit)
	}
	last := len(msgs) - 1
	msgs[last].Header[hdrBatchCommit] = []string{"1"}
	for _, m := range msgs[:last] {
		if err := p.nc.PublishMsg(m); err != nil {
			return notSent(err)
		}
	}
	reply, err := p.request(ctx, msgs[last])
	if err != nil {
		return unanswered(err)
	}
	return p.judge(reply.Data, batch, len(msgs))
}

// notSent judges an error of publishing: without the message that commits it, a batch is never
// stored.
func notSent(err error) answer {
	if errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject) || errors.Is(err, nats.ErrHeadersNotSupported) {
		return answer{verdict: refused, err: err}
	}
	return answer{verdict: busy, err: plainly(err)}
}

// unanswered judges an error of the request that commits a batch. Only what certainly failed before
// anything was sent, and the server's own answer that nothing listens, mean that nothing is stored.
func unanswered(err error) answer {
	switch {
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject):
		return answer{verdict: refused, err: err}
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded):
		return answer{verdict: busy, err: err}
	}
	return answer{verdict: unknown, err: err}
}

// judge reads the server's answer to a batch.
func (p *Publisher) judge(data []byte, batch string, total int) answer {
	var ack struct {
		Error    *apiError `json:"error"`
		Stream   string    `json:"stream"`
		Sequence uint64    `json:"seq"`
		Batch    string    `json:"batch"`
		Count    int       `json:"count"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return answer{verdict: unknown, err: fmt.Errorf("%w: %w", errNotAnAck, err)}
	}
	if ack.Error != nil {
		return p.judgeError(ack.Error, total)
	}
	if ack.Stream != p.streamName() || ack.Batch != batch || ack.Count != total || ack.Sequence < uint64(total) {
		return answer{verdict: unknown, err: fmt.Errorf("%w: %.200q", errNotAnAck, data)}
	}
	return answer{verdict: committed, sequence: ack.Sequence}
}

// judgeError judges an error that the server answered with.
func (p *Publisher) judgeError(e *apiError, total int) answer {
	a := answer{err: e.err()}
	switch e.Code {
	case codeWrongLast, codeWrongLastConstant:
		a.verdict = conflict
	case codeDuplicate:
		a.verdict = duplicate
	case codeTooLarge:
		a.verdict = tooLarge
		p.lowerBatchLimit(total)
	case codeIncomplete, codeTooManyInflight, codeTooManyRequests, codeLastNotReady, codeDuplicateInFlight:
		a.verdict = busy
	case codeAccountExceeded, codeInsufficient, codeMemoryExceeded, codeStorageExceeded, codeRollupFailed:
		a.verdict = refused // all of them are found before anything is stored
	default:
		// A 400 is found before anything is stored. Anything else may have happened in the middle
		// of it.
		a.verdict = unknown
		if e.Status == 400 || e.Code == codeStoreFailed && limitReached(e.Description) {
			a.verdict = refused
		}
	}
	return a
}

// limitReached tells whether a message was not stored because a limit of the stream is reached,
// such as "maximum bytes exceeded" (ErrMaxMsgs, ErrMaxBytes, ErrMaxMsgsPerSubject and
// ErrMsgTooLarge in nats-server's store.go, 2.15.3). A batch is held to the limits as a whole,
// before any of it is stored.
func limitReached(description string) bool {
	return strings.Contains(description, "maximum")
}

// minBatch is the least that makes sense: an attendance of two events, a key and a state.
const minBatch = 4 + besides

// lowerBatchLimit notes that the server refused a batch of total messages for its size.
func (p *Publisher) lowerBatchLimit(total int) {
	limit := max(int64(total/2), minBatch)
	if limit < p.batchLimit.Load() {
		p.batchLimit.Store(limit)
		p.log.Warn("the server takes smaller batches than usual", "messages", limit)
	}
}
