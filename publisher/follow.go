package publisher

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// Position is the sequence that the stream's leader has come to: what is stored from now on comes after it.
func (p *Publisher) Position(ctx context.Context) (uint64, error) {
	st, err := p.js.Stream(ctx, events.Stream)
	if err != nil {
		return 0, fmt.Errorf("the stream's position: %w", err)
	}
	return st.CachedInfo().State.LastSeq, nil
}

// Follow tells of every state that is stored after a position, in the stream's order: the meeting, and the state's
// revision, which is the position to go on from. Of a state that was replaced before it could be told of, only the newer
// is. It goes on until ctx ends or the stream cannot be followed any more, and returns why; the publisher's Run has to
// be running.
//
// When the stream's end is before the position, because a server lost what it had not written to disk yet, Follow tells
// of every state there is.
func (p *Publisher) Follow(ctx context.Context, after uint64, tell func(conferenceID string, revision uint64)) error {
	if err := p.follow(ctx, after, tell); err != nil {
		return fmt.Errorf("follow the states: %w", err)
	}
	return nil
}

func (p *Publisher) follow(ctx context.Context, after uint64, tell func(string, uint64)) error {
	st, err := p.js.Stream(ctx, events.Stream)
	if err != nil {
		return err
	}
	cfg := jetstream.ConsumerConfig{
		FilterSubject: AllStates, HeadersOnly: true,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1,
	}
	if st.CachedInfo().State.LastSeq < after {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverAllPolicy, 0
	}
	return p.deliver(ctx, st, cfg, func(msg jetstream.Msg, at uint64) bool {
		if msg.Subject() != markSubject {
			tell(meetingOf(msg.Subject()), at)
		}
		return true
	})
}
