package publisher

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Position is how far the stream's leader has come: what is stored from now on comes after it.
func (p *Publisher) Position(ctx context.Context) (diff.Position, error) {
	st, err := p.stream(ctx)
	if err != nil {
		return diff.Position{}, fmt.Errorf("the stream's position: %w", err)
	}
	info := st.CachedInfo()
	return diff.Position{Stream: info.Created, Sequence: info.State.LastSeq, Stored: info.State.LastTime}, nil
}

// Follow tells of every state that is stored after a position, in the stream's order: the meeting,
// and where the state is stored, which is the position to go on from. Of a state that was replaced
// before Follow came to it, only the newer is told; one where no meeting's state can be is left out.
// It goes on until ctx ends or the stream cannot
// be followed any more, and returns why; the publisher's Run has to be running.
//
// If the stream is not the one of the position any more, or has gone back behind it, as it was
// restored from a backup or a server lost what it had not written to disk yet, Follow tells nothing
// and returns [diff.ErrAnew].
func (p *Publisher) Follow(ctx context.Context, after diff.Position, tell func(conferenceID string, at diff.Position)) error {
	if err := p.follow(ctx, after, tell); err != nil {
		return fmt.Errorf("follow the states: %w", err)
	}
	return nil
}

func (p *Publisher) follow(ctx context.Context, after diff.Position, tell func(string, diff.Position)) error {
	st, err := p.stream(ctx)
	if err != nil {
		return err
	}
	made := st.CachedInfo().Created
	if err := p.reaches(ctx, st.CachedInfo(), after); err != nil {
		return err
	}
	cfg := jetstream.ConsumerConfig{
		Name:          "follow",
		Description:   "rollcall: which meetings' states change",
		FilterSubject: AllStates, HeadersOnly: true,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after.Sequence + 1,
	}
	return p.deliver(ctx, st, cfg, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		if id, err := meetingOf(msg.Subject()); err == nil {
			tell(id, diff.Position{Stream: made, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp})
		} else if msg.Subject() != markSubject {
			p.log.Error("a stored state belongs to no meeting", "error", err)
		}
		return true
	})
}

// reaches returns an error that wraps [diff.ErrAnew] unless the stream holds the position, or has
// held it. A stream that went back and was written to since may be as long again; then something
// was stored later than the position, but not after it.
func (p *Publisher) reaches(ctx context.Context, info *jetstream.StreamInfo, at diff.Position) error {
	switch {
	case at.Stream.IsZero():
		return nil
	case !info.Created.Equal(at.Stream):
		return fmt.Errorf("%w: it was made at %s, not at %s", diff.ErrAnew,
			info.Created.Format(time.RFC3339Nano), at.Stream.Format(time.RFC3339Nano))
	case info.State.LastSeq < at.Sequence:
		return fmt.Errorf("%w: it ends at %d, and ended at %d", diff.ErrAnew, info.State.LastSeq, at.Sequence)
	case at.Sequence == 0 || at.Stored.IsZero():
		return nil
	}
	next, err := p.getMessage(ctx, map[string]any{"start_time": at.Stored.Add(time.Nanosecond), "next_by_subj": ">"})
	if err != nil || next == nil || next.Seq > at.Sequence {
		return err
	}
	return fmt.Errorf("%w: something else is stored at %d", diff.ErrAnew, next.Seq)
}

// Stored returns the meetings of a shard of which a state is stored, as far as the leader knows,
// and the sequence below which no message is.
func (p *Publisher) Stored(ctx context.Context, shard int) (meetings map[string]struct{}, oldest uint64, err error) {
	state, err := p.streamState(ctx, statePrefix+strconv.Itoa(shard)+".>")
	if err != nil {
		return nil, 0, fmt.Errorf("which states are stored: %w", err)
	}
	meetings = make(map[string]struct{}, len(state.Subjects))
	for subject := range state.Subjects {
		if id, err := meetingOf(subject); err == nil {
			meetings[id] = struct{}{}
		}
	}
	return meetings, state.FirstSeq, nil
}

// stream is the stream as it is now.
func (p *Publisher) stream(ctx context.Context) (jetstream.Stream, error) {
	st, err := p.js.Stream(ctx, events.Stream)
	if err != nil {
		return nil, p.checkGone(err)
	}
	p.noteSequence(st.CachedInfo().State.LastSeq)
	return st, nil
}
