package streammode

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// writeTimeout bounds one write. A connection that takes no data for so long is closed.
	writeTimeout = 5 * time.Second
	// closeTimeout is how long the gateway has for saying goodbye.
	closeTimeout = time.Second
)

var (
	// errDisconnect is the gateway's wish to be left for another one.
	errDisconnect = errors.New("the gateway sent disconnect")
	// errSilent is a connection that only seems to be open.
	errSilent = errors.New("the stream gateway does not answer any more")
)

// session is one connection. Its reader never waits for a receiver, so pings are answered however
// busy those are.
type session struct {
	*client
	conn   *websocket.Conn
	ticket string
	began  time.Time
	heard  atomic.Int64 // when the last frame came, in nanoseconds after began
	// Of the connection: longer than that of Run, for the last acknowledgements.
	life  context.Context
	end   context.CancelFunc // closes the connection
	parts sync.WaitGroup     // reader and pinger
	over  chan error         // why the session ends

	mu     sync.Mutex
	closed bool           // no more events are taken
	events sync.WaitGroup // the events under way
}

func newSession(c *client, conn *websocket.Conn, ticket string) *session {
	return &session{client: c, conn: conn, ticket: ticket, began: time.Now(), over: make(chan error, 3)}
}

// receive works until the connection ends, or is to end, and returns why. [session.leave] has to
// follow.
func (s *session) receive(ctx context.Context) error {
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.parts.Go(func() { s.over <- s.read() })
	s.parts.Go(s.ping)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-s.over:
		return err
	}
}

// leave waits for the events under way, which are still acknowledged, and closes the connection.
func (s *session) leave() {
	s.stopTaking()
	s.events.Wait()
	hurry := time.AfterFunc(closeTimeout, s.end)
	_ = s.conn.Close(websocket.StatusNormalClosure, "") // it is over in any case
	hurry.Stop()
	s.end()
	s.parts.Wait()
}

// read handles frames until the connection breaks.
func (s *session) read() error {
	for {
		_, data, err := s.conn.Read(s.life)
		if err != nil {
			return fmt.Errorf("stream connection lost: %w", s.clean(err, s.ticket))
		}
		s.heard.Store(int64(time.Since(s.began)))
		s.frame(data)
	}
}

// ping finds out whether the gateway is still there. A gateway that sends frames but does not
// answer pings is.
func (s *session) ping() {
	ticker := time.NewTicker(s.opts.PingInterval)
	defer ticker.Stop()
	for {
		sent := time.Since(s.began)
		ctx, cancel := context.WithTimeout(s.life, s.opts.PingTimeout)
		err := s.conn.Ping(ctx)
		cancel()
		switch late := errors.Is(err, context.DeadlineExceeded); {
		case err == nil, late && time.Duration(s.heard.Load()) > sent:
			s.opts.Reporter.OK(area)
		case late:
			s.over <- errSilent
			return
		default:
			_ = s.conn.CloseNow() // it is broken: the reader knows why, or learns of it now
			return
		}
		select {
		case <-s.life.Done():
			return
		case <-ticker.C:
		}
	}
}

// frame handles one frame without waiting for anything but the connection itself.
func (s *session) frame(data []byte) {
	f, err := parseFrame(data, s.opts.Oddities)
	if err != nil {
		s.opts.Observe(Malformed, 0)
		s.note(Malformed, "error", s.clean(err, s.ticket))
		return
	}
	switch topic := f.header("topic"); {
	case f.Type == typeEvent:
		s.event(f, len(data))
	case f.Type == typeSystem && topic == topicPing:
		s.answer(&f, codeOK, f.content())
	case f.Type == typeSystem && topic == topicDisconnect:
		// It wants no answer:
		// https://open-dingtalk.github.io/developerpedia/docs/learn/stream/protocol
		if s.stopTaking() {
			s.over <- errDisconnect
		}
	default:
		s.answer(&f, codeUnknownTopic, "{}")
	}
}

// event takes an event, or postpones it when there are too many.
func (s *session) event(f frame, size int) {
	weight := int64(max(size, minWeight))
	if s.memory.TryAcquire(weight) {
		taken := s.take(func() {
			defer s.memory.Release(weight)
			s.handle(&f)
		})
		if taken {
			return
		}
		s.memory.Release(weight)
	}
	s.opts.Observe(Postponed, 0)
	s.note(Postponed)
	s.answer(&f, codeOK, statusLater)
}

// take runs work beside the reader, unless the session is being left.
func (s *session) take(work func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.events.Go(work)
	}
	return !s.closed
}

// stopTaking returns false when that was done before.
func (s *session) stopTaking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.closed
	s.closed = true
	return first
}
