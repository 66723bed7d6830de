package publisher

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
)

const (
	// surveyTries and surveyPatience are how often and how long a shard's states are waited for.
	surveyTries    = 3
	surveyPatience = time.Second
	// surveyIdle is how long the server keeps a consumer of a survey: each is used once.
	surveyIdle = 2 * time.Second
)

// Survey tells again and again what is stored of the meetings of some shards. It writes nothing,
// and reads only what has changed since it was last asked. It keeps one T of every state that is
// wanted, of the shards it was last asked for, and is safe for concurrent use.
type Survey[T any] struct {
	p    *Publisher
	keep func(*diff.State) (T, bool)

	lock   chan struct{} // holds a token while the fields below are in use
	end    diff.Position // of the stream when it was read last
	whole  bool          // and all of it was
	shards map[int]*surveyed[T]
}

// surveyed is what was read of a shard.
type surveyed[T any] struct {
	at    uint64 // sequence of the newest message that was read
	found map[string]T
	keys  keys // of states that are not wanted, as they may change soon
}

func newSurveyed[T any]() *surveyed[T] { return &surveyed[T]{found: map[string]T{}, keys: keys{}} }

// NewSurvey returns a survey of what p reads. keep picks the states that are wanted, and what of
// them.
func NewSurvey[T any](p *Publisher, keep func(*diff.State) (T, bool)) *Survey[T] {
	return &Survey[T]{p: p, keep: keep, lock: make(chan struct{}, 1), shards: map[int]*surveyed[T]{}}
}

// Read returns what is kept of the states of some shards, in no particular order, as the stream's
// leader knows them. A state that cannot be read, for being corrupt or of a newer version, is left
// out.
func (s *Survey[T]) Read(ctx context.Context, shards ...int) ([]T, error) {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return nil, fmt.Errorf("read the states of %d shards: %w", len(shards), context.Cause(ctx))
	}
	fresh := s.pick(shards)
	if len(shards) == 0 {
		return nil, nil
	}
	if err := s.read(ctx, fresh); err != nil {
		return nil, fmt.Errorf("read the states of %d shards: %w", len(shards), err)
	}
	var out []T
	for _, shard := range s.shards {
		for _, kept := range shard.found {
			out = append(out, kept)
		}
	}
	return out, nil
}

// pick drops all other shards, and tells whether some of these are new.
func (s *Survey[T]) pick(shards []int) (fresh bool) {
	known := s.shards
	s.shards = make(map[int]*surveyed[T], len(shards))
	for _, number := range shards {
		shard, ok := known[number]
		if !ok {
			shard, fresh = newSurveyed[T](), true
		}
		s.shards[number] = shard
	}
	return fresh
}

// read brings what is known up to date.
func (s *Survey[T]) read(ctx context.Context, fresh bool) error {
	st, err := s.p.stream(ctx)
	if err != nil {
		return err
	}
	state := st.CachedInfo().State
	end := diff.Position{Stream: st.CachedInfo().Created, Sequence: state.LastSeq, Stored: state.LastTime}
	if s.whole && end == s.end && !fresh {
		return nil
	}
	switch err := s.p.reaches(ctx, st.CachedInfo(), s.end); {
	case errors.Is(err, diff.ErrAnew):
		for number := range s.shards {
			s.shards[number] = newSurveyed[T]()
		}
	case err != nil:
		return err
	}
	s.end, s.whole = end, false
	for number, shard := range s.shards {
		if err := s.readShard(ctx, st, number, shard); err != nil {
			return err
		}
	}
	s.whole = true
	return nil
}

// readShard reads up to the state, or key, that the leader has as the last of the shard: the server that
// delivers may be behind. If that state is removed meanwhile it never comes; then another one is
// the last. Each shard has a consumer of its own: one with many subjects takes a time that grows
// with the square of the stream.
func (s *Survey[T]) readShard(ctx context.Context, st jetstream.Stream, number int, shard *surveyed[T]) error {
	cfg := jetstream.ConsumerConfig{
		Name:          "past",
		Description:   "rollcall: the states of a shard's meetings, for the list of past ones",
		FilterSubject: "rollcall.*." + strconv.Itoa(number) + ".>", InactiveThreshold: surveyIdle,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
	}
	for try := 0; ; try++ {
		last, err := s.p.lastMessage(ctx, cfg.FilterSubject)
		switch {
		case err != nil:
			return err
		case last == nil:
			*shard = *newSurveyed[T]()
			return nil
		case last.Seq <= shard.at:
			return nil
		case try == surveyTries:
			return fmt.Errorf("shard %d: the server has come to %d of %d", number, shard.at, last.Seq)
		}
		cfg.OptStartSeq = shard.at + 1
		waiting, cancel := context.WithTimeoutCause(ctx, surveyPatience, errNoAnswer)
		var failed error
		err = s.p.deliver(waiting, st, cfg, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) bool {
			failed = shard.take(waiting, s.p, msg, meta.Sequence.Stream, s.keep)
			return failed == nil && shard.at < last.Seq
		})
		cancel()
		if err = errors.Join(err, failed); err != nil && !errors.Is(err, errNoAnswer) {
			return err
		}
	}
}

// take keeps what is wanted of a state. An error says that the state's key could not be asked for.
func (s *surveyed[T]) take(ctx context.Context, p *Publisher, msg jetstream.Msg, at uint64, keep func(*diff.State) (T, bool)) error {
	switch subject := msg.Subject(); {
	case strings.HasPrefix(subject, keyPrefix):
		s.keys.note(subject, msg.Data())
	case strings.HasPrefix(subject, statePrefix):
		id, err := meetingOf(subject)
		if err != nil {
			break
		}
		record, err := p.recordOf(ctx, msg, at, s.keys.take(id))
		if err != nil && !unreadable(err) {
			return err
		}
		delete(s.found, id)
		if err != nil {
			break
		}
		if kept, ok := keep(record.State); ok {
			s.found[id] = kept
		} else if !record.Key.IsZero() {
			s.keys[id] = record.Key
		}
	}
	s.at = at
	return nil
}
