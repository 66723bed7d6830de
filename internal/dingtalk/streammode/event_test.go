package streammode

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

func success(id string) ack { return newAck(id, 200, `{"status":"SUCCESS"}`) }
func later(id string) ack   { return newAck(id, 200, `{"status":"LATER"}`) }

// gate is a receiver that holds every push until it is told what to return.
type gate struct {
	entered chan push.Push
	result  chan error
}

func newGate() *gate {
	return &gate{entered: make(chan push.Push, 10_000), result: make(chan error)}
}

func (g *gate) Receive(_ context.Context, p push.Push) error {
	g.entered <- p
	return <-g.result
}

func TestAcknowledgedOnlyWhenStored(t *testing.T) {
	g, stuck := newGateway(t), newGate()
	r := run(g, Options{Receiver: stuck})
	p := g.next()
	p.event("m1", joined)
	want, err := push.Decode([]byte(joined), push.Envelope{Type: "meeting_member_status_change", ID: "e-m1", Time: 1663143335567}, nil)
	require.NoError(t, err)
	assert.Equal(t, want, await(t, stuck.entered, "push"))
	p.ping() // the only answer so far
	stuck.result <- nil
	assert.Equal(t, success("m1"), p.ack())
	assert.Equal(t, []Outcome{Stored}, r.observed(1))
}

func TestNotStoredIsSentAgain(t *testing.T) {
	g, stuck := newGateway(t), newGate()
	r := run(g, Options{Receiver: stuck})
	p := g.next()
	p.event("m1", joined)
	first := await(t, stuck.entered, "push")
	stuck.result <- errStore
	assert.Equal(t, later("m1"), p.ack())
	p.event("m1", joined)
	assert.Equal(t, first, await(t, stuck.entered, "push again"))
	stuck.result <- nil
	assert.Equal(t, success("m1"), p.ack())
	assert.Equal(t, []Outcome{NotStored, Stored}, r.observed(2))
}

// An event that comes while the service starts or stops goes to another replica, or comes again:
// nobody has to know of it.
func TestAReceiverThatIsAwayIsNoNews(t *testing.T) {
	g := newGateway(t)
	r := run(g, Options{Receiver: receiver(func(context.Context, push.Push) error {
		return fmt.Errorf("meeting m: %w", push.ErrAway)
	})})
	p := g.next()
	p.event("m1", joined)
	assert.Equal(t, later("m1"), p.ack())
	assert.Equal(t, []Outcome{NotStored}, r.observed(1))
	assert.NotContains(t, r.logs.String(), "level=WARN")
}

func TestLaterInsteadOfTooLate(t *testing.T) {
	g := newGateway(t)
	run(g, Options{AckTimeout: 120 * time.Millisecond, Receiver: receiver(func(ctx context.Context, _ push.Push) error {
		deadline, ok := ctx.Deadline()
		assert.True(t, ok)
		assert.LessOrEqual(t, time.Until(deadline), 100*time.Millisecond)
		<-ctx.Done()
		return ctx.Err()
	})})
	p := g.next()
	p.event("m1", joined)
	assert.Equal(t, later("m1"), p.ack())
}

// What is not about meetings may be waited for by another program: a connection that nobody asked
// for leaves it alone.
func TestAConnectionThatNobodyAskedForLeavesOtherEventsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		kind, data string
		want       Outcome
		ack        func(string) ack
	}{
		"another type":         {"user_add_org", `{"userId":["015"]}`, Left, later},
		"another type, no doc": {"user_add_org", `<xml/>`, Left, later},
		"no type":              {"", `{}`, Left, later},
		"ours":                 {"meeting_member_status_change", joined, Stored, success},
		"ours, no JSON":        {"meeting_status_change", `garbage`, Malformed, success},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			r := run(g, Options{Unasked: true})
			p := g.next()
			p.eventOf(c.kind, "m1", c.data)
			assert.Equal(t, c.ack("m1"), p.ack())
			assert.Equal(t, []Outcome{c.want}, r.observed(1))
		})
	}
}

func TestStoredAfterTheDeadlineIsStored(t *testing.T) {
	g := newGateway(t)
	run(g, Options{AckTimeout: time.Millisecond, Receiver: receiver(func(ctx context.Context, _ push.Push) error {
		<-ctx.Done()
		return nil
	})})
	p := g.next()
	p.event("m1", joined)
	assert.Equal(t, success("m1"), p.ack())
}

func TestWhatIsNoPushIsAcknowledged(t *testing.T) {
	for name, c := range map[string]struct {
		kind, data string
		want       Outcome
	}{
		"another type":         {"user_add_org", `{"userId":["015"]}`, Ignored},
		"another type, no doc": {"user_add_org", `<xml/>`, Ignored},
		"no type":              {"", `{}`, Malformed},
		"data no JSON":         {"meeting_status_change", `garbage`, Malformed},
		"data empty":           {"meeting_status_change", ``, Malformed},
		"no conference id":     {"meeting_status_change", `{"openConfModel":{}}`, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			r := run(g, Options{})
			p := g.next()
			p.eventOf(c.kind, "m1", c.data)
			assert.Equal(t, success("m1"), p.ack())
			assert.Equal(t, []Outcome{c.want}, r.observed(1))
			assert.Equal(t, 1, strings.Count(r.logs.String(), "\n"))
		})
	}
}

func TestOtherFrames(t *testing.T) {
	g := newGateway(t)
	r := run(g, Options{})
	p := g.next()
	// Frames that cannot be named or read end nothing and are answered by nothing.
	for _, text := range []string{
		"", "garbage", "null", "[]", "5", `{}`, `{"type":5,"headers":{"messageId":"x"}}`, `{"type":"EVENT","headers":[]}`,
		`{"type":"SYSTEM","headers":{"topic":"ping"},"data":"no messageId"}`, strings.Repeat(`{"a":`, 20_000),
	} {
		p.send(text)
	}
	require.NoError(t, p.Write(p.ctx, websocket.MessageBinary, []byte{0xff, 0, 1}))
	p.ping()
	for kind, topic := range map[string]string{"CALLBACK": "/v1.0/im/bot/messages/get", "SYSTEM": "rest", "NEWS": "*"} {
		p.frame(kind, map[string]any{"topic": topic, "messageId": "m1"}, "{}")
		assert.Equal(t, newAck("m1", 404, "{}"), p.ack())
	}
	// Headers and data of other types than documented.
	p.frame("EVENT", map[string]any{
		"messageId": 17, "eventType": "meeting_status_change", "eventBornTime": 1663143335567, "extra": []int{1},
	}, map[string]any{"openConfModel": map[string]any{"conferenceId": "6321a"}, "changeScene": "conference_created"})
	assert.Equal(t, success("17"), p.ack())
	outcomes := r.observed(11)
	assert.Equal(t, Stored, outcomes[len(outcomes)-1])
	assert.Len(t, outcomes, 11)
}

func TestABusyReceiverHoldsUpNothing(t *testing.T) {
	g, stuck := newGateway(t), newGate()
	r := run(g, Options{Receiver: stuck, PingInterval: 20 * time.Millisecond})
	p := g.next()
	const room = maxMemory / minWeight
	for i := range room {
		p.event(fmt.Sprint("held", i), joined)
	}
	for range room {
		await(t, stuck.entered, "push")
	}
	p.ping()
	p.event("one more", joined)
	assert.Equal(t, later("one more"), p.ack())
	p.eventOf("user_add_org", "of no interest", "{}")
	assert.Equal(t, later("of no interest"), p.ack())
	p.ping()
	close(stuck.result)
	acked := map[ack]bool{}
	for range room {
		acked[p.ack()] = true
	}
	for i := range room {
		assert.True(t, acked[success(fmt.Sprint("held", i))])
	}
	p.event("again", joined)
	assert.Equal(t, success("again"), p.ack())
	assert.Equal(t, []Outcome{Postponed, Postponed}, r.observed(2)[:2])
	assert.Empty(t, r.failed(0), "the connection held")
}

func TestLargeFramesCountForWhatTheyAre(t *testing.T) {
	stuck := newGate()
	c := newClient(Options{Receiver: stuck}.withDefaults())
	s := newSession(c, nil, ticket)
	s.life = t.Context()
	f, err := parseFrame([]byte(`{"type":"EVENT","headers":{"eventType":"meeting_status_change"},"data":{"openConfModel":{"conferenceId":"6321a"}}}`), nil)
	require.NoError(t, err)
	const room = maxMemory / maxFrame
	for range room {
		s.event(f, maxFrame)
		await(t, stuck.entered, "push")
	}
	s.event(f, maxFrame)
	close(stuck.result)
	s.events.Wait()
	assert.Empty(t, stuck.entered, "one more was postponed")
	assert.True(t, c.memory.TryAcquire(maxMemory))
}

func TestWhatIsPostponedTakesNoRoom(t *testing.T) {
	c := newClient(Options{}.withDefaults())
	s := newSession(c, nil, ticket)
	s.stopTaking()
	s.event(frame{Type: typeEvent}, 5)
	assert.True(t, c.memory.TryAcquire(maxMemory))
}

func TestManyEvents(t *testing.T) {
	const n = 2000
	g := newGateway(t)
	var mu sync.Mutex
	ids := map[string]int{}
	run(g, Options{Receiver: receiver(func(_ context.Context, p push.Push) error {
		mu.Lock()
		defer mu.Unlock()
		ids[p.ID]++
		return nil
	})})
	p := g.next()
	postponed := 0
	for sent := 0; sent < n; {
		batch := min(200, n-sent)
		for i := range batch {
			p.event(fmt.Sprint(sent+i), joined)
		}
		for range batch {
			if a := p.ack(); a.Data != statusSuccess {
				postponed++
			}
		}
		sent += batch
	}
	assert.Zero(t, postponed)
	assert.Len(t, ids, n)
}
