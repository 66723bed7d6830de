package publisher

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
)

// markSubject is where reading all states leaves a mark: one message, without content, among the
// states.
const markSubject = statePrefix + "mark"

// maxMarks bounds how often All reads on because states were replaced meanwhile.
const maxMarks = 10

// All yields every state that is stored, of some shards or, without any, of all of them. A meeting
// whose state is replaced while All reads may be yielded twice, the newer later. One whose state is
// replaced again and again may be left out: [Publisher.Follow] tells of everything that is stored
// after All was called. A state that cannot be read is yielded as an error that names its meeting,
// and the next follow; if the stream itself cannot be read, that error is the last.
func (p *Publisher) All(ctx context.Context, shards ...int) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := p.all(ctx, shards, yield); err != nil {
			yield(Record{}, fmt.Errorf("read all states: %w", err))
		}
	}
}

// all reads up to a mark that it stores at the end of the stream. The server that delivers may be
// behind the leader, but at the mark it has delivered everything that was stored before. A state
// that was replaced before it could be read comes after the mark. So all stores another mark, until
// nothing was stored between two.
//
// It reads the states of all shards and skips those of others: a server that filters by many
// subjects takes a time that grows with the square of the stream. Each state is the only message of
// its subject; a consumer of the last message of every subject would stop at each that was replaced
// meanwhile, until something else is stored.
func (p *Publisher) all(ctx context.Context, shards []int, yield func(Record, error) bool) error {
	st, err := p.stream(ctx)
	if err != nil {
		return err
	}
	mark, err := p.replace(ctx, markSubject, nil)
	if err != nil {
		return err
	}
	more, marks, fresh, keys := true, 1, false, keys{}
	read := func(msg jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		at := meta.Sequence.Stream
		switch subject := msg.Subject(); {
		case strings.HasPrefix(subject, keyPrefix) && isOf(subject, shards):
			keys.note(subject, msg.Data())
		case strings.HasPrefix(subject, statePrefix) && subject != markSubject:
			fresh = true
			if isOf(subject, shards) {
				var rec Record
				if rec, err = p.recordOf(ctx, msg, at, keys.take(lastToken(subject))); err != nil && !unreadable(err) {
					return false
				}
				more, err = yield(rec, err), nil
			}
		}
		if !more || at < mark {
			return more
		}
		if !fresh || marks == maxMarks {
			return false
		}
		mark, err = p.replace(ctx, markSubject, nil)
		marks, fresh = marks+1, false
		return err == nil
	}
	cfg := jetstream.ConsumerConfig{
		Name:          "states",
		Description:   "rollcall: the states of all meetings, at the start",
		FilterSubject: StatesAndKeys, DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	return errors.Join(p.deliver(ctx, st, cfg, read), err)
}

// unreadable tells whether an error says that a state is no state, or of a newer version.
func unreadable(err error) bool {
	return errors.Is(err, diff.ErrCorruptState) || errors.Is(err, diff.ErrNewerVersion)
}

// keys are those that were read of states that are yet to be read: a key is stored before the
// states that are sealed with it.
type keys map[string]diff.Key

// note keeps a key. One that cannot be read is missed with the state.
func (k keys) note(subject string, data []byte) {
	id := lastToken(subject)
	if key, err := decodeKey(data); err == nil && subject == KeySubject(id) {
		k[id] = key
	}
}

// take returns the key of a meeting, which is read once as a rule; zero when it is not known.
func (k keys) take(conferenceID string) diff.Key {
	key := k[conferenceID]
	delete(k, conferenceID)
	return key
}

// StateReader reads states for somebody who may only read: messages of [StatesAndKeys], in the order
// of the stream. The zero value is ready.
type StateReader struct{ keys keys }

// Read returns the state that a message holds; false if it holds none that can be read.
func (r *StateReader) Read(subject string, data []byte) (*diff.State, bool) {
	if r.keys == nil {
		r.keys = keys{}
	}
	id := lastToken(subject)
	switch {
	case subject == KeySubject(id):
		r.keys.note(subject, data)
	case subject == StateSubject(id):
		s, err := decodeState(data, r.keys.take(id), id)
		return s, err == nil && s.ConferenceID == id
	}
	return nil, false
}

// isOf tells whether a subject is that of a state or key of one of the shards, or of any without
// shards.
func isOf(subject string, shards []int) bool {
	if len(shards) == 0 {
		return true
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(subject, statePrefix), keyPrefix), ".")
	shard, err := strconv.Atoi(number)
	return err == nil && slices.Contains(shards, shard)
}

// replace stores a message in place of the subject's last and returns its sequence.
func (p *Publisher) replace(ctx context.Context, subject string, payload []byte) (uint64, error) {
	msg := nats.NewMsg(ingest + subject)
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	msg.Data = payload
	ack, err := p.js.PublishMsg(ctx, msg)
	if err != nil {
		return 0, p.checkGone(plainly(err))
	}
	return ack.Sequence, nil
}

// recordOf reads a state that was delivered. If the key is not its own, that is read.
func (p *Publisher) recordOf(ctx context.Context, msg jetstream.Msg, seq uint64, key diff.Key) (Record, error) {
	id, err := meetingOf(msg.Subject())
	if err != nil {
		return Record{}, fmt.Errorf("state of meeting %s at %d: %w", id, seq, err)
	}
	s := stored{revision: seq, data: msg.Data()}
	if err := s.readHeader(msg.Headers()); err != nil {
		return Record{}, fmt.Errorf("state of meeting %s at %d: %w", id, seq, err)
	}
	rec, err := s.record(id, key)
	if errors.Is(err, errOtherKey) {
		return p.open(ctx, id, s)
	}
	return rec, err
}
