package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/stored/feed"
)

// comeBackAfter is how long a browser waits before it comes back, in milliseconds.
const comeBackAfter = 1000

// seatRetry is after how many seconds a reader for whom there was no place should try again.
const seatRetry = 5

// patience is how long readers of events are waited for, and how long they have to wait.
type patience struct {
	// heartbeat keeps proxies and readers from taking a quiet connection for a dead one; 15 s when
	// zero.
	heartbeat time.Duration
	// stall is how long a reader may take for what has been written, before it is cut off; 10 s
	// when zero.
	stall time.Duration
	// allowed is how often it is looked whether a reader may still read; 3 s when zero.
	allowed time.Duration
}

func (p patience) withDefaults() patience {
	p.heartbeat = cmp.Or(p.heartbeat, 15*time.Second)
	p.stall = cmp.Or(p.stall, 10*time.Second)
	p.allowed = cmp.Or(p.allowed, 3*time.Second)
	return p
}

// events sends the events as server-sent events, as they are stored: from now on or, with
// Last-Event-ID, from the one after that. An event's id is its place in the stream.
func (a *api) events(w http.ResponseWriter, r *http.Request) {
	caller := access.From(r.Context())
	if !a.seats.take(caller.String()) {
		a.opts.Refusals.Readers.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(seatRetry))
		problem.Write(w, http.StatusTooManyRequests, fmt.Sprintf("%d read the events already by this token, or %d in all, which is the most "+
			"(ROLLCALL_EVENT_READERS, or what the limit of open files leaves)", a.seats.each, a.seats.most))
		return
	}
	defer a.seats.leave(caller.String())
	reader, ok := a.subscribe(w, r)
	if !ok {
		return
	}
	defer reader.Close()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.opts.stopping(), cancel)()
	defer a.whileAllowed(ctx, r, cancel)()
	s := &sse{rc: http.NewResponseController(w), w: w, patience: a.opts.patience.withDefaults()}
	// The request has been read; the time for it must not end the answer.
	_ = s.rc.SetReadDeadline(time.Time{})
	w.Header().Set("X-Accel-Buffering", "no")
	problem.Head(w, http.StatusOK, "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	err := s.begin(ctx, reader)
	if err == nil {
		err = reader.CatchUp(ctx, s.send)
	}
	for err == nil {
		err = s.next(ctx, reader)
	}
	if ctx.Err() == nil {
		a.log.Debug("a reader of events was cut off", "reader", r.RemoteAddr, "error", err)
	}
}

// whileAllowed ends an answer that has no end of its own when who asked may no longer: when the
// session has ended, or the token was taken away. The caller calls what it returns.
func (a *api) whileAllowed(ctx context.Context, r *http.Request, end func()) (done func()) {
	if a.opts.Access.Open() {
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(a.opts.patience.withDefaults().allowed)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			caller, err := a.identify(r.WithContext(ctx))
			if gone := err != nil && !errors.Is(err, errAway); gone || err == nil && !caller.Scopes.Allow(access.Read) {
				end()
				return
			}
		}
	}()
	return func() {
		end()
		<-ended
	}
}

// subscribe reads what is asked for, or answers why it cannot be had.
func (a *api) subscribe(w http.ResponseWriter, r *http.Request) (*feed.Reader, bool) {
	filter, err := filterOf(r.URL.Query())
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return nil, false
	}
	last := r.Header.Get("Last-Event-ID")
	after, err := feed.ParseID(last)
	if last != "" && err != nil {
		problem.Write(w, http.StatusBadRequest, "Last-Event-ID: "+err.Error())
		return nil, false
	}
	var reader *feed.Reader
	switch {
	case a.opts.Events == nil || a.opts.notReady() != nil:
		err = feed.ErrNotReady
	case last != "":
		reader, err = a.opts.Events.Resume(filter, after)
	default:
		reader, err = a.opts.Events.Subscribe(filter)
	}
	if err != nil {
		fail(w, "", err)
		return nil, false
	}
	return reader, true
}

// filterOf reads which events are wanted. An empty parameter counts as none.
func filterOf(query url.Values) (filter feed.Filter, err error) {
	if filter.Meeting = query.Get("meeting"); filter.Meeting != "" {
		if err := events.CheckConferenceID(filter.Meeting); err != nil {
			return filter, fmt.Errorf("meeting: %w", err)
		}
	}
	names := slices.DeleteFunc(query["type"], func(name string) bool { return name == "" })
	if filter.Types, err = events.ParseTypes(names...); err != nil {
		return filter, fmt.Errorf("type: %w", err)
	}
	return filter, nil
}

// sse writes server-sent events.
type sse struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	buffer bytes.Buffer
	patience
}

// begin says where reading begins, so that a reader that is cut off before the first event misses
// nothing either. That is an event of its own name, with data: there are readers that forget the id
// of anything less.
func (s *sse) begin(ctx context.Context, reader *feed.Reader) error {
	position, err := reader.Begin(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(&s.buffer, "retry: %d\n", comeBackAfter)
	s.position(position)
	return s.flush()
}

// position says where the reader is.
func (s *sse) position(place feed.ID) {
	fmt.Fprintf(&s.buffer, "id: %s\nevent: position\ndata: {}\n\n", place)
}

// next sends the next events, or says that the connection is alive while there are none.
func (s *sse) next(ctx context.Context, reader *feed.Reader) error {
	wait, cancel := context.WithTimeout(ctx, s.heartbeat)
	defer cancel()
	found, moved, err := reader.Read(wait)
	switch {
	case err == nil:
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		s.buffer.WriteString(": heartbeat\n\n")
	default:
		return err
	}
	for _, e := range found {
		s.add(e)
	}
	if moved { // what the reader had is another stream's
		s.position(reader.Place())
	}
	return s.flush()
}

// send sends one event.
func (s *sse) send(e feed.Placed) error {
	s.add(e)
	return s.flush()
}

func (s *sse) add(e feed.Placed) {
	fmt.Fprintf(&s.buffer, "id: %s\n", e.Place)
	// A reader takes a carriage return for the end of a line, too.
	for line := range bytes.FieldsFuncSeq(e.Payload, func(r rune) bool { return r == '\n' || r == '\r' }) {
		fmt.Fprintf(&s.buffer, "data: %s\n", line)
	}
	s.buffer.WriteString("\n")
}

// flush writes what is gathered, and fails when the reader does not take it in time.
func (s *sse) flush() error {
	defer s.buffer.Reset()
	if err := s.rc.SetWriteDeadline(time.Now().Add(s.stall)); err != nil {
		return err
	}
	if _, err := s.w.Write(s.buffer.Bytes()); err != nil {
		return err
	}
	return s.rc.Flush()
}
