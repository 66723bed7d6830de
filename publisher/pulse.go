package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// aliveSubject is where it is kept when the meetings of each shard were last looked after: one message for all shards
// and replicas.
const aliveSubject = "rollcall.alive"

// beats are when the shards were last looked after, in Unix milliseconds, and the message that says so.
type beats struct {
	at       [events.Shards]int64
	sequence uint64
}

// Beat stores that the meetings of these shards are looked after now; without any it stores nothing.
func (p *Publisher) Beat(ctx context.Context, shards ...int) error {
	if len(shards) == 0 {
		return nil
	}
	if err := p.beat(ctx, shards); err != nil {
		return fmt.Errorf("storing that we are alive: %w", err)
	}
	return nil
}

// beat adds to what was stored last, if nobody has replaced that meanwhile.
func (p *Publisher) beat(ctx context.Context, shards []int) error {
	b := p.knownBeats()
	for round, pause := 1, firstPause; ; round, pause = round+1, min(2*pause, maxPause) {
		now := p.opts.Now().UnixMilli()
		for _, shard := range shards {
			b.at[shard] = max(b.at[shard], now)
		}
		payload, err := json.Marshal(b.at)
		if err != nil {
			return err
		}
		sequence, err := p.replace(ctx, aliveSubject, payload, jetstream.WithExpectLastSequencePerSubject(b.sequence))
		if err == nil {
			b.sequence = sequence
			p.knowBeats(b)
			return nil
		}
		if !wrongLast(err) || round == maxRounds {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		if b, err = p.readBeats(ctx); err != nil {
			return err
		}
	}
}

// knownBeats is what we stored last.
func (p *Publisher) knownBeats() beats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.beats
}

func (p *Publisher) knowBeats(b beats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats = b
}

// wrongLast tells whether the server refused a message because it was to replace another than the last.
func wrongLast(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && (refused.ErrorCode == codeWrongLast || refused.ErrorCode == codeWrongLastConstant)
}

func (p *Publisher) readBeats(ctx context.Context) (beats, error) {
	m, err := p.lastMessage(ctx, aliveSubject)
	if err != nil || m == nil {
		return beats{}, err
	}
	b := beats{sequence: m.Seq}
	if err := json.Unmarshal(m.Data, &b.at); err != nil { // what cannot be read is replaced
		p.log.Warn("it cannot be read when meetings were last looked after", "error", err)
		b.at = [events.Shards]int64{}
	}
	return b, nil
}

// LastBeats returns when the meetings of each shard were last looked after, by any replica; the zero time for a shard
// whose meetings never were.
func (p *Publisher) LastBeats(ctx context.Context) ([events.Shards]time.Time, error) {
	var last [events.Shards]time.Time
	b, err := p.readBeats(ctx)
	if err != nil {
		return last, fmt.Errorf("when meetings were last looked after: %w", err)
	}
	for shard, at := range b.at {
		if at > 0 {
			last[shard] = time.UnixMilli(at)
		}
	}
	return last, nil
}
