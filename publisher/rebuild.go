package publisher

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// rebuild makes the record of a meeting from its stored events: its state was removed or replaced
// by an older one outside of Rollcall, and comparing with less than what is announced would store
// events twice. Without events it is that of an unknown meeting. revision is that of the state that
// is stored, 0 for none.
func (p *Publisher) rebuild(ctx context.Context, conferenceID string, revision uint64) (Record, error) {
	fold, rec := diff.NewFold(conferenceID), Record{Revision: revision}
	expires, chain := expiry(0), events.Chain{}
	err := p.eachEvent(ctx, conferenceID, func(e events.Event, msg jetstream.Msg, meta *jetstream.MsgMetadata) {
		fold.Add(e)
		chain = resumed(chain, &e, msg.Data())
		rec.Folded = meta.Sequence.Stream
		expires = max(expires, p.expiryOf(msg.Headers(), meta.Timestamp))
	})
	rec.State, rec.EventsExpire = fold.State().Chained(chain), int64(expires)
	return rec, err
}

// expiryOf is when a stored event expires, by itself or with its meeting.
func (p *Publisher) expiryOf(h nats.Header, stored time.Time) expiry {
	ttl, err := time.ParseDuration(h.Get(nats.MsgTTLHdr))
	switch {
	case err == nil:
	case p.expiresWhole():
		ttl = p.opts.Retention
	default:
		return never
	}
	return expiry(0).after(stored, ttl)
}

// eachEvent hands every stored event of a meeting to handle, in the stream's order.
func (p *Publisher) eachEvent(ctx context.Context, conferenceID string, handle func(events.Event, jetstream.Msg, *jetstream.MsgMetadata)) error {
	last, err := p.lastMessage(ctx, events.OfMeeting(conferenceID))
	if err != nil || last == nil {
		return err
	}
	// The last may be removed meanwhile.
	ctx, cancel := context.WithTimeoutCause(ctx, p.opts.GiveUpAfter, errNoAnswer)
	defer cancel()
	st, err := p.stream(ctx)
	if err != nil {
		return err
	}
	cfg := jetstream.ConsumerConfig{
		Name:          "rebuild",
		Description:   "rollcall: a meeting's events, from which its state is made again",
		FilterSubject: events.OfMeeting(conferenceID), DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	return p.deliver(ctx, st, cfg, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		if e, err := events.Decode(msg.Data()); err == nil { // else it is somebody else's message
			handle(e, msg, meta)
		}
		return meta.Sequence.Stream < last.Seq
	})
}

// outdated tells whether the state of a revision is known to lack events that are stored.
func (p *Publisher) outdated(conferenceID string, revision uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.setBack[conferenceID]
	return ok && at == revision
}

// refusedAsDuplicate finds out why the server calls a job a duplicate although the state says that
// it is not stored. Either its events are stored: then the state was removed or replaced by an
// older one, and is rebuilt when it is next loaded. Or they were removed, and the server only
// remembers their ids.
func (p *Publisher) refusedAsDuplicate(ctx context.Context, j *job, s stored, refusal error) error {
	mine := make(map[string]bool, len(j.msgs)/2)
	for _, m := range j.msgs {
		mine[m.Header.Get(nats.MsgIdHdr)] = true
	}
	stored := false
	err := p.eachEvent(ctx, j.meeting, func(e events.Event, _ jetstream.Msg, _ *jetstream.MsgMetadata) {
		stored = stored || mine[e.ID]
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case !stored:
		p.remembering.Store(p.opts.Now().Add(rememberingFor).UnixNano())
		return fmt.Errorf("%w: %w", diff.ErrRemembered, refusal)
	case j.folded:
		return fmt.Errorf("%w: the state is at %d, the first event is %s: %w", ErrStateLost, j.base, j.firstEvent(), refusal)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setBack[j.meeting] = s.revision
	return fmt.Errorf("%w: it lacks events that are stored", ErrConflict)
}

// rememberingFor is for how long, after a duplicate turned out to be no stored event, the next one
// is taken at once for the same.
const rememberingFor = 10 * time.Second

// maxResends is how often a commit is sent again that the server calls a duplicate.
func (p *Publisher) maxResends() int {
	if p.opts.Now().UnixNano() < p.remembering.Load() {
		return 1
	}
	return maxDuplicates
}

// reload is Load when a newer state is known than the one that may be read. If what is stored
// really is older, it returns an error that wraps [diff.ErrLost], and the record; that nothing is
// stored any more of a meeting that was not watched is no loss, as such meetings expire. A leader
// that has just been elected may not know everything that is stored; once it has stored something
// more it does.
func (p *Publisher) reload(ctx context.Context, known Record) (Record, error) {
	id := known.State.ConferenceID
	rec, err := p.Load(ctx, id)
	if err != nil || rec.Revision >= known.Revision {
		return rec, err
	}
	if err := p.Barrier(ctx); err != nil {
		return rec, err
	}
	rec, err = p.Load(ctx, id)
	if err != nil || rec.Revision >= known.Revision || rec.Revision == 0 && known.State.Phase != diff.Watched {
		return rec, err
	}
	return rec, fmt.Errorf("%w: meeting %s: the state is at %d, and was at %d", diff.ErrLost, id, rec.Revision, known.Revision)
}

// Barrier returns when everything that was stored before is seen by [Publisher.Load].
func (p *Publisher) Barrier(ctx context.Context) error {
	if _, err := p.replace(ctx, markSubject, nil); err != nil {
		return fmt.Errorf("asking for what is stored: %w", err)
	}
	return nil
}

// stateOf reads what is stored of a meeting, or rebuilds it.
func (p *Publisher) stateOf(ctx context.Context, conferenceID string) (Record, error) {
	rec, err := p.readRecord(ctx, conferenceID)
	if err != nil || rec.Revision > 0 && !p.outdated(conferenceID, rec.Revision) {
		return rec, err
	}
	rebuilt, err := p.rebuild(ctx, conferenceID, rec.Revision)
	if err != nil || rebuilt.Folded == 0 {
		return rec, err
	}
	again, err := p.read(ctx, conferenceID)
	switch {
	case err != nil:
		return Record{}, err
	case again.revision != rec.Revision: // the events were stored meanwhile, with their state
		return p.readRecord(ctx, conferenceID)
	}
	rebuilt.Key = rec.Key
	if rec.State.Phase == diff.Unwatched { // which no event says
		rebuilt.State = rebuilt.State.WithPhase(diff.Unwatched)
	}
	p.log.Debug("rebuilt a state from stored events", "sequence", rebuilt.State.Sequence)
	return rebuilt, nil
}
