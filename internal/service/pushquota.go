package service

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/poller/condition"
)

// pushQuotaArea is what is reported about the month's pushes.
const pushQuotaArea = "month's pushes"

// errPushesUsedUp is what DingTalk says by a push of code 20001 without content.
var errPushesUsedUp = errors.New("the organisation's pushes of the month are used up, DingTalk says: people are seen by polling alone")

// pushQuota is a [push.Receiver] that takes note when the month's pushes are used up. That ends
// with the month, or when there is a push again: more can be bought.
type pushQuota struct {
	next     push.Receiver
	location *time.Location // where months begin
	now      func() time.Time
	reporter condition.Reporter
	usage    atomic.Pointer[budget.Usage] // of the month; nil until NATS is reached
	// How many of DingTalk's words about the quota were received and not yet seen by said.
	words atomic.Int64

	mu    sync.Mutex
	until time.Time
}

var _ push.Receiver = (*pushQuota)(nil)

// Receive implements [push.Receiver].
func (q *pushQuota) Receive(ctx context.Context, p push.Push) error {
	switch {
	case p.Exhausted:
		q.set(monthAfter(q.now().In(q.location)))
		q.words.Add(1)
		q.usage.Load().Exhausted()
		q.reporter.Failed(pushQuotaArea, errPushesUsedUp)
	case len(p.Notices) > 0 && q.set(time.Time{}):
		q.reporter.OK(pushQuotaArea)
	}
	return q.next.Receive(ctx, p)
}

// said tells whether what was received was no push but DingTalk's word that there are none left.
func (q *pushQuota) said() bool {
	for {
		n := q.words.Load()
		if n == 0 || q.words.CompareAndSwap(n, n-1) {
			return n > 0
		}
	}
}

// set says until when there are none, and returns whether that is another time.
func (q *pushQuota) set(until time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	changed := !q.until.Equal(until)
	q.until = until
	return changed
}

// err says that there are none at present.
func (q *pushQuota) err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.now().Before(q.until) {
		return errPushesUsedUp
	}
	return nil
}

func monthAfter(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, t.Location())
}
