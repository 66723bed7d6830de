package publisher

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errOtherFirst says that the last message on the subjects is not the one that was expected.
var errOtherFirst = errors.New("another replica was first")

// put stores one message, by itself. [errOtherFirst] is what a message with an expected sequence may
// get; a clustered server says it in two ways.
func (p *Publisher) put(ctx context.Context, msg *nats.Msg) (*jetstream.PubAck, error) {
	ack, err := p.js.PublishMsg(ctx, msg)
	if err == nil {
		return ack, nil
	}
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch refused.ErrorCode {
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			return nil, errOtherFirst
		}
	}
	return nil, p.checkGone(plainly(err))
}

// messages yields the messages on a subject, which may hold wildcards, from a sequence on, as the
// leader has them. It ends with an error.
func (p *Publisher) messages(ctx context.Context, from uint64, subject string) iter.Seq2[*message, error] {
	return func(yield func(*message, error) bool) {
		for next := from; ; {
			m, err := p.getMessage(ctx, map[string]any{"seq": next, "next_by_subj": subject})
			if err == nil && m == nil || !yield(m, err) || err != nil {
				return
			}
			next = m.Seq + 1
		}
	}
}

// Rest is called after each request that makes publishers wait, such as one that removes or
// overwrites messages, with how long it took: they had to wait as long.
type Rest func(ctx context.Context, took time.Duration) error
