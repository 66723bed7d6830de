package logging

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxMessages bounds the messages that are told apart.
const maxMessages = 256

// limit is a handler that lets pass four warnings and errors of one message a minute, whatever they
// are about and however the ids and times in it differ. The next one that passes says how many did
// not. What [Changes] logs passes: it has a limit of its own, for each condition.
type limit struct {
	slog.Handler
	seen *seen
}

// seen is when which message was logged.
type seen struct {
	mu       sync.Mutex
	messages map[string]*message
}

type message struct {
	lines [maxLines]time.Time // the latest first
	more  int                 // that did not pass since
}

func newLimit(h slog.Handler) *limit {
	return &limit{h, &seen{messages: map[string]*message{}}}
}

// Handle implements [slog.Handler].
func (l *limit) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || ofChanges(r) {
		return l.Handler.Handle(ctx, r)
	}
	more, ok := l.seen.admit(fickle.ReplaceAllString(r.Message, "#"), r.Time)
	if !ok {
		return nil
	}
	if more > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("unlogged", more))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (l *limit) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limit{l.Handler.WithAttrs(attrs), l.seen}
}

// WithGroup implements [slog.Handler].
func (l *limit) WithGroup(name string) slog.Handler { return &limit{l.Handler.WithGroup(name), l.seen} }

// ofChanges tells whether a record tells of a condition.
func ofChanges(r slog.Record) (is bool) {
	r.Attrs(func(a slog.Attr) bool {
		is = a.Key == attrWhat
		return false // it is the first
	})
	return is
}

// admit tells whether a message may be logged, and how many like it were not since the last.
func (s *seen) admit(text string, now time.Time) (more int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, known := s.messages[text]
	if !known {
		if len(s.messages) >= maxMessages {
			s.tidy(now)
		}
		m = &message{}
		s.messages[text] = m
	}
	if now.Sub(m.lines[maxLines-1]) < window {
		m.more++
		return 0, false
	}
	copy(m.lines[1:], m.lines[:])
	m.lines[0] = now
	more, m.more = m.more, 0
	return more, true
}

// tidy makes room: first it forgets what was not logged for a minute, then everything.
func (s *seen) tidy(now time.Time) {
	for text, m := range s.messages {
		if now.Sub(m.lines[0]) >= window {
			delete(s.messages, text)
		}
	}
	if len(s.messages) >= maxMessages {
		clear(s.messages)
	}
}
