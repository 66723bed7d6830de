package publisher

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/events"
)

// TellBlind stores that the live meetings were not listed since a time in Unix milliseconds, and
// why, unless the newest event about the source says already that nobody looks. It tells whether it
// stored something: another replica may be first.
func (p *Publisher) TellBlind(ctx context.Context, from int64, reason string) (bool, error) {
	last, seq, err := p.lastSight(ctx)
	if err != nil || last.Type == events.SourceBlind {
		return false, err
	}
	return p.tellSight(ctx, events.SourceBlind, events.Sight{From: from, Reason: reason}, seq)
}

// TellSeeing stores that the live meetings were listed again at a time in Unix milliseconds, if the
// newest event about the source says that nobody looks. It tells whether it stored something.
func (p *Publisher) TellSeeing(ctx context.Context, to int64) (bool, error) {
	last, seq, err := p.lastSight(ctx)
	if err != nil || last.Type != events.SourceBlind {
		return false, err
	}
	return p.tellSight(ctx, events.SourceSeeing, events.Sight{From: last.Sight.From, To: max(to, last.Sight.From), Reason: last.Sight.Reason}, seq)
}

// lastSight reads the newest event about the source, and its sequence in the stream; 0 when there
// is none.
func (p *Publisher) lastSight(ctx context.Context) (events.Event, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	msg, err := p.lastMessage(ctx, events.AllOfSource)
	if err != nil || msg == nil {
		return events.Event{}, 0, err
	}
	e, err := events.Decode(msg.Data)
	if err != nil || e.Sight == nil {
		// Somebody else's message, which the next one stands behind.
		return events.Event{}, msg.Seq, nil
	}
	return e, msg.Seq, nil
}

// tellSight stores an event about the source behind the one that is the newest.
func (p *Publisher) tellSight(ctx context.Context, t events.Type, s events.Sight, behind uint64) (bool, error) {
	at := s.From
	if t == events.SourceSeeing {
		at = s.To
	}
	e := events.Event{
		ID: events.SightID(p.opts.CorpID, s.From, t), Source: events.SourceOf(p.opts.CorpID), Type: t,
		Time: time.UnixMilli(at).UTC(), RecordedTime: p.opts.Now(), Sight: &s,
	}
	return p.tellBehind(ctx, e, events.AllOfSource, behind, p.opts.Retention)
}
