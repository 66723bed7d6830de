package service

import (
	"context"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/base/version"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/streammode"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/poller/condition"
)

// unaskedWait is how long it takes at most until a gateway that refuses is tried again, where
// nobody has asked for that.
const unaskedWait = 10 * time.Minute

// provenAfter is how long a connection that nobody has asked for has to last until it is counted on.
const provenAfter = time.Minute

// streamOff says why an older installation has no stream connection, and how to have one.
const streamOff = "off, as this installation is older than stream-mode auto and another program may read the app's stream: " +
	"stream-mode true receives pushes without a public address, false says that it is to stay so"

// streaming is how a stream connection stands that is off, or that nobody has asked for and that
// has not lasted yet.
type streaming struct {
	mu   sync.Mutex
	note string
}

func (s *streaming) set(note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note = note
}

// check tells how it stands; nothing once the connection reports its state itself.
func (s *streaming) check() []httpapi.Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.note == "" {
		return nil
	}
	return []httpapi.Check{{Name: streamPart, Note: s.note}}
}

// stream receives pushes over DingTalk's stream connection until ctx ends, if that is wanted, or
// not ruled out and possible.
func (s *service) stream(ctx context.Context, p *poller.Poller) error {
	settings := s.opts.Settings
	switch {
	case settings.Pushes.StreamMode == config.StreamOn:
	case !settings.StreamOffered():
		return nil
	case s.plan.Load().older:
		s.streaming.set(streamOff)
		s.log.Info("the stream connection is " + streamOff)
		return nil
	}
	select {
	case <-p.Ready(): // before that, everything would have to be sent again
	case <-ctx.Done():
		return nil
	}
	err := streammode.Run(ctx, s.streamOptions())
	if err != nil { // said at once: what else goes on may do so for long
		s.log.Error("no pushes come over the stream connection", "error", err)
	}
	return err
}

func (s *service) streamOptions() streammode.Options {
	settings := s.opts.Settings
	opts := streammode.Options{
		BaseURL: settings.DingTalk.URL.String(), ClientID: settings.DingTalk.AppKey,
		ClientSecret: settings.DingTalk.AppSecret.Reveal(), UserAgent: "rollcall/" + version.String(),
		Receiver: s.pushes.receiver, Logger: s.log, Oddities: s.odd,
		Observe: func(outcome streammode.Outcome, took time.Duration) {
			s.pushes.observe("stream", string(outcome), took)
		},
	}
	asked := func() condition.Reporter { return s.board.post(streamPart, s.changes) }
	if opts.Unasked = settings.Pushes.StreamMode == config.StreamAuto; opts.Unasked {
		s.streaming.set("not connected yet")
		opts.Reporter, opts.MaxWait = &unasked{service: s, worked: asked}, unaskedWait
	} else {
		opts.Reporter = asked()
	}
	return opts
}

// unasked is the reporter of a stream connection that no setting asks for. That it cannot be had,
// or never lasts, is no failure, and said once; when it has lasted it is a part like any other, as
// the pushes are counted on.
type unasked struct {
	service *service
	worked  func() condition.Reporter

	mu     sync.Mutex
	up     time.Time // since when it works; zero while it does not
	said   struct{ works, fails bool }
	proven condition.Reporter // nil until it has lasted
}

var _ condition.Reporter = (*unasked)(nil)

// Failed implements [condition.Reporter].
func (u *unasked) Failed(what string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.prove(); u.proven != nil {
		u.proven.Failed(what, err)
		return
	}
	u.up = time.Time{}
	u.service.streaming.set("not to be had, the log says why; people are seen by polling")
	if !u.said.fails {
		u.said.fails = true
		u.service.log.Info("no pushes come over the stream connection, which is tried again from time to time; "+
			"stream-mode false does without", "error", err)
	}
}

// OK implements [condition.Reporter].
func (u *unasked) OK(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.up.IsZero() {
		u.up = time.Now()
		u.service.streaming.set("connected")
	}
	if !u.said.works {
		u.said.works = true
		u.service.log.Info("pushes come over the stream connection")
	}
	if u.prove(); u.proven != nil {
		u.proven.OK(what)
	}
}

// prove makes the connection a part like any other once it has lasted. The caller holds mu.
func (u *unasked) prove() {
	if u.proven == nil && !u.up.IsZero() && time.Since(u.up) >= provenAfter {
		u.service.streaming.set("")
		u.proven = u.worked()
	}
}
