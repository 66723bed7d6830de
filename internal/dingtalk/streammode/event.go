package streammode

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

// handle gives an event to the receiver and acknowledges it when that is done.
func (s *session) handle(f *frame) {
	began := time.Now()
	outcome := s.deliver(f)
	status := statusSuccess
	if outcome == NotStored || outcome == Left {
		status = statusLater
	}
	s.answer(f, codeOK, status)
	s.opts.Observe(outcome, time.Since(began))
}

func (s *session) deliver(f *frame) Outcome {
	p, err := push.Decode(f.event(), f.envelope(), s.opts.Oddities)
	switch {
	case s.opts.Unasked && !p.AboutMeetings() && !p.Exhausted:
		s.logs[Left].Do(func() {
			s.opts.Logger.Info("event of another type left to the app's other connections", "type", p.Type)
		})
		return Left
	case err != nil:
		s.note(Malformed, "type", p.Type, "error", s.clean(err, s.ticket))
		return Malformed
	case p.Exhausted:
		_ = s.opts.Receiver.Receive(s.life, p) // it takes note; there is nothing to store
		return Ignored
	case len(p.Notices) == 0:
		s.logs[Ignored].Do(func() { s.opts.Logger.Info("event of another type ignored", "type", p.Type) })
		return Ignored
	}
	ctx, cancel := context.WithTimeout(s.life, s.opts.AckTimeout*5/6)
	defer cancel()
	err = s.opts.Receiver.Receive(ctx, p)
	if err == nil {
		return Stored
	}
	if !errors.Is(err, push.ErrAway) { // /readyz says so
		s.note(NotStored, "error", s.clean(err, s.ticket))
	}
	return NotStored
}

// answer answers a frame, if it can be named. What cannot be written is sent again by the gateway;
// that the connection is broken the reader notices.
func (s *session) answer(f *frame, code int, data string) {
	id := f.header("messageId")
	if id == "" {
		return
	}
	raw, err := marshalAck(newAck(id, code, data))
	if err != nil {
		s.opts.Logger.Error("an acknowledgement cannot be written", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(s.life, writeTimeout)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, raw); err != nil {
		s.opts.Logger.Debug("acknowledgement lost", "error", s.clean(err, s.ticket))
	}
}
