package service

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/stored/forget"
	"github.com/c4342123/rollcall/poller/condition"
)

const (
	// forgettingPart is erasing people.
	forgettingPart = "erasing people"
	// forgetEvery is how often it is looked for orders whose meetings are over by now, for what was
	// begun and not done, and for notices whose time is over.
	forgetEvery = 10 * time.Second
)

// eraser erases people; a [forget.Eraser] is one.
type eraser interface {
	Erase(ctx context.Context, req forget.Request) (forget.Answer, error)
	Resume(ctx context.Context) (forget.Answer, error)
}

// forgetting goes on with orders to erase somebody while this replica is the one to do so.
type forgetting struct {
	eraser eraser
	mine   func(shard int) bool
	report condition.Reporter
}

// run goes on until ctx ends.
func (f *forgetting) run(ctx context.Context) {
	for pause.For(ctx, forgetEvery) {
		if !f.mine(choresShard) {
			continue
		}
		if _, err := f.eraser.Resume(ctx); err != nil && ctx.Err() == nil {
			f.report.Failed(forgettingPart, err)
		} else {
			f.report.OK(forgettingPart)
		}
	}
}

// wanted is who is meant, by every name that may be stored.
func (p *parts) wanted(who httpapi.Someone) forget.Wanted {
	if who.Meeting == "" {
		return forget.Named(who.ID, p.pseudonym)
	}
	w := forget.Wanted{Nicks: []string{who.ID}, Meeting: who.Meeting}
	if p.guest != nil {
		w.Nicks = append(w.Nicks, p.guest(who.Meeting, who.ID))
	}
	return w
}

// Person implements [httpapi.People].
func (p *parts) Person(ctx context.Context, who httpapi.Someone) (forget.Person, error) {
	found, err := forget.Of(ctx, p.js, p.wanted(who))
	return found, conn.Plainly(err)
}

// Erase implements [httpapi.People].
func (p *parts) Erase(ctx context.Context, who httpapi.Someone, req forget.Request) (forget.Answer, error) {
	req.Wanted = p.wanted(who)
	answer, err := p.forgetting.eraser.Erase(ctx, req)
	return answer, conn.Plainly(err)
}

// renames are what makes pseudonyms of a unionId, and of a guest of a meeting; nil without
// pseudonyms.
func (s *service) renames() (person func(string) string, guest func(meeting, nick string) string) {
	e := s.opts.Settings.Events
	if !e.Pseudonyms() {
		return nil, nil
	}
	key := e.PrivacyKey.Reveal()
	return func(id string) string { return pseudonym.OfPerson(key, id) },
		func(meeting, nick string) string { return pseudonym.OfGuest(key, meeting, nick) }
}
