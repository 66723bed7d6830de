package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

const (
	// linkPath is where stream connections are made.
	linkPath   = "/connect"
	maxTickets = 10_000
	maxLinks   = 1_000
)

// gateway is the stream gateway. The simulator's lock guards it, but for the waiting.
type gateway struct {
	running context.Context // nil while pushes do not run
	closing bool            // they are about to stop
	acks    chan<- ack
	tickets map[string]ticket
	links   []*link // those that events are sent on, in the order they were made
	serving int     // connections, those that no event is sent on any more too
	first   int64   // when the first connection was made, Unix milliseconds; 0 if there was none
	done    sync.WaitGroup
}

// ticket lets one connection in.
type ticket struct {
	expires       time.Time
	subscriptions []subscription
}

// subscription is what a client wants to be sent.
type subscription struct {
	Type  string `json:"type"`
	Topic string `json:"topic"`
}

// openGateway lets connections in until ctx ends. What clients answer to events goes to acks.
func (s *Simulator) openGateway(ctx context.Context, acks chan<- ack) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gateway.running != nil {
		return ErrPushing
	}
	s.gateway.running, s.gateway.acks = ctx, acks
	return nil
}

// closeGateway waits for all connections to end; the context of openGateway has ended.
func (s *Simulator) closeGateway() {
	s.mu.Lock()
	s.gateway.closing = true
	s.mu.Unlock()
	s.gateway.done.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway.running, s.gateway.closing = nil, false
}

// openConnection answers POST /v1.0/gateway/connections/open. The caller holds the lock.
func (s *Simulator) openConnection(c call, now time.Time) (any, *apiError) {
	var req struct {
		ClientID      string         `json:"clientId"`
		ClientSecret  string         `json:"clientSecret"`
		Subscriptions []subscription `json:"subscriptions"`
	}
	if json.Unmarshal(c.body, &req) != nil || len(req.Subscriptions) == 0 || len(req.Subscriptions) > 100 {
		return nil, failure(fault.ParamError)
	}
	if !same(req.ClientID, s.settings.AppKey) || !same(req.ClientSecret, s.settings.AppSecret) {
		return nil, &apiError{http.StatusUnauthorized, "authFailed", "Authentication failed."}
	}
	g := &s.gateway
	for key, t := range g.tickets {
		if !now.Before(t.expires) {
			delete(g.tickets, key)
		}
	}
	if len(g.tickets) >= maxTickets {
		return nil, failure(fault.Busy)
	}
	if g.tickets == nil {
		g.tickets = map[string]ticket{}
	}
	key := fmt.Sprintf("%016x%016x", s.ticketRng.Uint64(), s.ticketRng.Uint64())
	g.tickets[key] = ticket{now.Add(time.Duration(s.settings.Stream.TicketLife)), req.Subscriptions}
	return map[string]string{"endpoint": c.origin + linkPath, "ticket": key}, nil
}

// origin returns where the request was sent, as the address of a WebSocket.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "wss://" + r.Host
	}
	return "ws://" + r.Host
}

// admit takes a ticket and returns the connection it is for, and the context that ends it; or the
// HTTP status of a refusal. A caller that is admitted has to call leave.
func (s *Simulator) admit(key string) (l *link, ctx context.Context, refusal int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &s.gateway
	t, ok := g.tickets[key]
	delete(g.tickets, key)
	switch {
	case !ok || !s.now().Before(t.expires):
		return nil, nil, http.StatusUnauthorized
	case g.running == nil || g.closing || g.serving >= maxLinks:
		return nil, nil, http.StatusServiceUnavailable
	}
	g.serving++
	g.done.Add(1)
	l = &link{
		sim: s, subscriptions: t.subscriptions, acks: g.acks,
		out: make(chan parcel, linkQueue), pongs: make(chan response, 1),
	}
	return l, g.running, 0
}

func (s *Simulator) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway.serving--
	s.gateway.done.Done()
}

// join makes a connection one that events are sent on. What happened before the first is not sent
// on it, even if it happened in the same millisecond, or the webhook is still to be told of it.
func (s *Simulator) join(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway.links = append(s.gateway.links, l)
	s.pushes.connected++
	if s.gateway.first == 0 {
		s.backlog = s.plan()
		s.notices(history.NothingDue) // nobody is told when there is no webhook
		s.gateway.first = s.millis()
		s.wake()
	}
}

// part takes a connection from those that events are sent on.
func (s *Simulator) part(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway.links = slices.DeleteFunc(s.gateway.links, func(other *link) bool { return other == l })
}

// choose picks one of the connections that want an event, at random, and the faults that hit it.
func (s *Simulator) choose(e *pushEvent) (l *link, topic string, faults []fault.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var links []*link
	for _, l := range s.gateway.links {
		if l.wants(e.EventType) != "" {
			links = append(links, l)
		}
	}
	if len(links) == 0 {
		return nil, "", nil
	}
	faults = s.faults.Strike(fault.ClassStream, e.conferenceID(), s.millis(), s.pushRng, fault.StageLink)
	for _, f := range faults {
		s.stats.faults[f.Kind]++
	}
	l = links[s.pushRng.IntN(len(links))]
	return l, l.wants(e.EventType), faults
}

// DisturbStreams makes one of the stream faults happen to all connections at once, and returns to
// how many. The error wraps [history.ErrScenario].
func (s *Simulator) DisturbStreams(f fault.Fault) (int, error) {
	if err := f.Validate("fault"); err != nil {
		return 0, err
	}
	if f.Kind.Stage() != fault.StageLink {
		return 0, fmt.Errorf("%w: %s is not what happens to a connection", history.ErrScenario, f.Kind)
	}
	s.mu.Lock()
	links := slices.Clone(s.gateway.links)
	s.mu.Unlock()
	n := 0
	for _, l := range links {
		if l.send(parcel{disturb: f}) {
			n++
		}
	}
	return n, nil
}

// wants returns the topic by which the client has subscribed to events of this type; "" if it has
// not.
func (l *link) wants(eventType string) string {
	for _, sub := range l.subscriptions {
		if strings.EqualFold(sub.Type, frameEvent) && (sub.Topic == allTopics || sub.Topic == eventType) {
			return sub.Topic
		}
	}
	return ""
}
