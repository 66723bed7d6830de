package publisher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// tellBehind stores an event that is about no meeting, if the newest event on the given subjects is
// the one at a sequence, and has it kept for a time; 0 means without end. It tells whether the event
// was stored: another replica may be first.
func (p *Publisher) tellBehind(ctx context.Context, e events.Event, subjects string, behind uint64, kept time.Duration) (bool, error) {
	msg, err := toTell(e, kept)
	if err != nil {
		return false, err
	}
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(behind, 10))
	msg.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, subjects)
	ctx, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	ack, err := p.put(ctx, msg)
	switch {
	case errors.Is(err, errOtherFirst):
		return false, nil
	case err != nil:
		return false, err
	}
	return !ack.Duplicate, nil
}

// toTell is the message of an event that is about no meeting, which is kept for a time; 0 means
// without end.
func toTell(e events.Event, kept time.Duration) (*nats.Msg, error) {
	payload, err := events.Encode(e)
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	msg := nats.NewMsg(ingest + string(e.Type))
	msg.Data = payload
	msg.Header.Set(hdrContentType, events.ContentType)
	msg.Header.Set(nats.MsgIdHdr, e.ID)
	if kept > 0 {
		msg.Header.Set(nats.MsgTTLHdr, formatTTL(kept))
	}
	return msg, nil
}

// TellRead stores that somebody was shown something at a time.
func (p *Publisher) TellRead(ctx context.Context, read events.Access, at time.Time) error {
	msg, err := toTell(events.Event{
		ID: events.AccessID(p.opts.CorpID, rand.Text(), at.UnixMilli()), Source: events.SourceOf(p.opts.CorpID), Type: events.AccessRead,
		Time: at.UTC(), RecordedTime: p.opts.Now(), Access: &read,
	}, p.opts.Retention)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	_, err = p.put(ctx, msg)
	return err
}

// TellCheckpoint stores a signed checkpoint of the log of meetings as an event, unless the newest
// such event has it: the note, how many leaves it is of, and when it was signed.
func (p *Publisher) TellCheckpoint(ctx context.Context, signed string, size int64, at time.Time) error {
	reading, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	msg, err := p.lastMessage(reading, events.AllOfAudit)
	if err != nil {
		return err
	}
	var behind uint64
	if msg != nil {
		behind = msg.Seq
		if last, err := events.Decode(msg.Data); err == nil && last.Checkpoint != nil && last.Checkpoint.Checkpoint == signed {
			return nil
		}
	}
	stored, err := p.tellBehind(ctx, events.Event{
		ID: events.CheckpointID(p.opts.CorpID, size, at.UnixMilli()), Source: events.SourceOf(p.opts.CorpID), Type: events.AuditCheckpoint,
		Time: at.UTC(), RecordedTime: p.opts.Now(), Checkpoint: &events.Checkpoint{Checkpoint: signed},
	}, events.AllOfAudit, behind, p.opts.CheckpointRetention)
	if err == nil && !stored {
		err = fmt.Errorf("%w: another replica has told a checkpoint", ErrConflict)
	}
	return err
}
