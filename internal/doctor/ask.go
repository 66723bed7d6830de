package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/nats/conn"
)

// answerTime is how long answers are waited for; all needs are asked at once.
const answerTime = 2 * time.Second

// outcome is what became of a need.
type outcome uint8

const (
	unanswered outcome = iota // no answer came in time
	forbidden                 // the server does not let this user
	unheard                   // it lets this user, and nobody is there to hear
	answered                  // somebody answered
)

// reply is the outcome of one need.
type reply struct {
	need
	outcome outcome
	stream  string // of the answer to a message for a stream: the one that answered
	code    int    // of the error in JetStream's answer; 0 without one
}

// inquiry asks for many needs over one connection.
type inquiry struct {
	conn     *nats.Conn
	refusals *conn.Refusals
	began    time.Time
	replies  []reply
	open     int // replies that are yet to come
	silent   int // of these, the ones that may never come
}

// ask finds out what of the needs this user is allowed, in one go. Nothing is changed by it.
func ask(ctx context.Context, conn *nats.Conn, refusals *conn.Refusals, all []need) ([]reply, error) {
	q := &inquiry{conn: conn, refusals: refusals, began: time.Now(), replies: make([]reply, len(all))}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	inbox := conn.NewInbox()
	answers := make(chan *nats.Msg, len(all)*4) // some answer in several messages
	sub, err := conn.ChanSubscribe(inbox+".*", answers)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only on a connection that is closed
	for i, n := range all {
		q.replies[i].need = n
	}
	if err := q.subscribe(ctx); err != nil {
		return nil, err
	}
	if err := q.publish(inbox); err != nil {
		return nil, err
	}
	q.gather(ctx, answers)
	return q.replies, nil
}

// subscribe finds out about the subscriptions, and ends them: else what is published next would be
// heard by ourselves.
func (q *inquiry) subscribe(ctx context.Context) error {
	subs := map[*reply]*nats.Subscription{}
	for i := range q.replies {
		p := &q.replies[i]
		if !p.subscribe {
			continue
		}
		sub, err := q.conn.SubscribeSync(p.subject)
		if err != nil {
			return err
		}
		defer func() { _ = sub.Unsubscribe() }() // fails only on a connection that is closed
		subs[p] = sub
	}
	// By then the server has said what it refuses.
	if err := q.conn.FlushWithContext(ctx); err != nil {
		return err
	}
	for p, sub := range subs {
		p.outcome = unheard
		if _, err := sub.NextMsg(time.Nanosecond); errors.Is(err, nats.ErrPermissionViolation) {
			p.outcome = forbidden
		}
	}
	return nil
}

// publish asks for all that is published.
func (q *inquiry) publish(inbox string) error {
	for i := range q.replies {
		n := q.replies[i].need
		if n.subscribe {
			continue
		}
		q.open++
		if n.silent {
			q.silent++
		}
		msg := &nats.Msg{Subject: n.subject, Reply: inbox + "." + strconv.Itoa(i), Header: n.header, Data: n.body}
		if err := q.conn.PublishMsg(msg); err != nil {
			return err
		}
	}
	return nil
}

// close notes the outcome of a reply that was open.
func (q *inquiry) close(p *reply, o outcome) {
	p.outcome = o
	q.open--
	if p.silent {
		q.silent--
	}
}

// refusalTime is how long after everything else is answered a refusal of what needs no answer may
// come.
const refusalTime = 100 * time.Millisecond

// gather takes answers and refusals until nothing more is to come, or ctx ends.
func (q *inquiry) gather(ctx context.Context, answers <-chan *nats.Msg) {
	var late <-chan time.Time
	for {
		told := q.forbid()
		switch {
		case q.open == 0:
			return
		case q.open == q.silent && late == nil:
			late = time.After(refusalTime)
		}
		select {
		case <-late:
			return
		case m := <-answers:
			q.take(m)
		case <-told:
		case <-ctx.Done():
			return
		}
	}
}

// forbid notes what has been refused so far.
func (q *inquiry) forbid() <-chan struct{} {
	all, told := q.refusals.Since(q.began)
	for _, r := range all {
		for i := range q.replies {
			p := &q.replies[i]
			if p.outcome == unanswered && !p.subscribe && !r.Subscribe && refuses(r.Subject, p.need) {
				q.close(p, forbidden)
			}
		}
	}
	return told
}

// refuses tells whether a refused subject is that of a need. Of inboxes only their kind is
// remembered.
func refuses(subject string, n need) bool {
	return subject == n.subject || strings.HasPrefix(subject, nats.InboxPrefix) && subject == n.allow()
}

// take takes an answer.
func (q *inquiry) take(m *nats.Msg) {
	i, err := strconv.Atoi(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
	if err != nil || i < 0 || i >= len(q.replies) || q.replies[i].outcome != unanswered {
		return
	}
	p := &q.replies[i]
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		q.close(p, unheard)
		return
	}
	q.close(p, answered)
	var who struct {
		Stream string `json:"stream"`
		Error  struct {
			Code int `json:"err_code"`
		} `json:"error"`
	}
	if json.Unmarshal(m.Data, &who) == nil {
		p.stream, p.code = who.Stream, who.Error.Code
	}
}
