package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/events"
)

// aliveSubject is where the times are kept at which the meetings of each shard were last looked
// after: one message for all shards and replicas.
const aliveSubject = "rollcall.alive"

// justNow stands for the time at which the server stores the message it is in. So all times are the
// server's, and the replicas' clocks do not matter.
const justNow = -1

// beats are when the shards were last looked after, in Unix milliseconds, and the message that says
// so.
type beats struct {
	at       [events.Shards]int64
	sequence uint64
}

// Beat stores that the meetings of these shards are looked after now; without any, it stores again
// what was stored last. It is stored as commits are and, after one that was refused, only if that
// one would be stored: so it shows whether anything can be.
func (p *Publisher) Beat(ctx context.Context, shards ...int) error {
	err := p.beat(ctx, shards)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errNoAnswer
	}
	return err // in the same words as a commit's
}

// within tells whether no other shards were looked after just now. For those it has to be read when
// that was.
func (b *beats) within(shards []int) bool {
	for shard, at := range b.at {
		if at == justNow && !slices.Contains(shards, shard) {
			return false
		}
	}
	return true
}

// beat adds to what was stored last, if no other replica has replaced that meanwhile.
func (p *Publisher) beat(ctx context.Context, shards []int) (err error) {
	b := p.knownBeats()
	if !b.within(shards) {
		if b, err = p.readBeats(ctx); err != nil {
			return err
		}
	}
	for again := afterBeat(); ; {
		for _, shard := range shards {
			b.at[shard] = justNow
		}
		payload, err := json.Marshal(b.at)
		if err != nil {
			return err
		}
		a := p.storeBeat(ctx, b.sequence, payload)
		if a.verdict == committed {
			b.sequence = a.sequence
			p.knowBeats(b)
			return nil
		}
		if a.verdict != conflict || sleep(ctx, again.NextBackOff()) != nil {
			return a.err
		}
		if b, err = p.readBeats(ctx); err != nil {
			return err
		}
	}
}

// storeBeat stores a beat in place of the one at the sequence.
func (p *Publisher) storeBeat(ctx context.Context, sequence uint64, payload []byte) answer {
	last := &nats.Msg{Subject: ingest + aliveSubject, Data: payload, Header: nats.Header{
		nats.MsgRollup:              {nats.MsgRollupSubject},
		nats.ExpectedLastSubjSeqHdr: {strconv.FormatUint(sequence, 10)},
	}}
	needed := p.refusedShape()
	a := p.send(ctx, []*job{{msgs: padded(needed, last)}})
	if a.verdict == committed {
		p.stored(needed)
	}
	var said *ServerError
	if a.verdict == refused && errors.As(a.err, &said) {
		p.suspectConfig(said)
	}
	a.err = p.checkGone(a.err)
	return a
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
	for shard, at := range b.at {
		if at == justNow {
			b.at[shard] = m.Time.UnixMilli()
		}
	}
	return b, nil
}

// LastBeats returns when the meetings of each shard were last looked after, by any replica; the
// zero time for a shard whose meetings never were. How long ago that was goes by the server's clock
// alone, and is what [time.Since] gives for it.
func (p *Publisher) LastBeats(ctx context.Context) ([events.Shards]time.Time, error) {
	var last [events.Shards]time.Time
	b, err := p.readBeats(ctx)
	if err != nil {
		return last, fmt.Errorf("when meetings were last looked after: %w", err)
	}
	st, err := p.stream(ctx)
	if err != nil {
		return last, fmt.Errorf("the server's time: %w", err)
	}
	here, there := time.Now(), st.CachedInfo().TimeStamp.UnixMilli()
	for shard, at := range b.at {
		if at > 0 {
			last[shard] = here.Add(-time.Duration(max(there-at, 0)) * time.Millisecond)
		}
	}
	return last, nil
}
