package service

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/stored/audit"
	"github.com/c4342123/rollcall/publisher"
)

const (
	// auditPart is the log of meetings.
	auditPart = "log of meetings"
	// auditEvery is how often it is looked which checkpoint is the newest.
	auditEvery = 5 * time.Second
)

// auditing keeps the log of meetings, and knows its newest checkpoint.
type auditing struct {
	js     jetstream.JetStream
	log    *audit.Log // nil where nothing is sealed
	signed atomic.Pointer[evidence.Checkpoint]
}

// newAuditing returns what keeps the log, if there is a key to sign it with.
func (s *service) newAuditing(ctx context.Context, js jetstream.JetStream, pub *publisher.Publisher, f *fleet) *auditing {
	a := &auditing{js: js}
	if s.key == nil {
		return a
	}
	e := s.opts.Settings.Events
	a.log = audit.New(audit.Options{
		JetStream: js, CorpID: s.opts.Settings.DingTalk.CorpID, Signer: s.key, Teller: pub,
		Interval: e.CheckpointInterval, Retention: e.AuditRetention, Replicas: s.opts.Settings.Store.Replicas,
		Mine:     func() bool { return f.shards.Owns(choresShard) },
		Reporter: untilStop{ctx, explained{&s.refusals, s.changes}}, Logger: s.log,
	})
	return a
}

// run keeps the log until ctx ends.
func (a *auditing) run(ctx context.Context) error {
	return first(
		func() error {
			if a.log != nil {
				a.log.Run(ctx)
			}
			return nil
		},
		func() error {
			pause.Every(ctx, auditEvery, nil, func() { a.look(ctx) })
			return nil
		},
	)
}

// look takes note of the newest checkpoint. What cannot be read is looked for again soon, and that
// NATS is away others say.
func (a *auditing) look(ctx context.Context) {
	note, err := audit.Checkpoint(ctx, a.js)
	if err != nil || note == nil {
		return
	}
	if c, err := evidence.ParseCheckpoint(note); err == nil {
		a.signed.Store(&c)
	}
}

// age is for how long the newest checkpoint has been signed; 0 when there is none.
func (a *auditing) age(now time.Time) time.Duration {
	if c := a.signed.Load(); c != nil {
		return max(now.Sub(c.Signed), 0)
	}
	return 0
}

// checks say that the log does not go on, if so.
func (a *auditing) checks() []httpapi.Check {
	if a.log == nil {
		return nil
	}
	return []httpapi.Check{{Name: auditPart, Err: a.log.Err()}}
}

// Checkpoint implements [httpapi.Audit].
func (p *parts) Checkpoint(ctx context.Context) ([]byte, error) { return audit.Checkpoint(ctx, p.js) }
