package simulator

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// ErrPushing says that the simulator's pushes run already.
var ErrPushing = errors.New("simulator: pushes run already")

const (
	// lanes is how many pushes to the webhook are under way at most; each meeting has one lane, so
	// that its pushes keep their order.
	lanes      = 64
	laneLength = 1024
	// otherClock is how often a clock that is not the machine's is looked at.
	otherClock = 5 * time.Millisecond
	idle       = time.Minute
	// defaultReorder is how long a reordered push waits for the next at most.
	defaultReorder = time.Second
)

// outbox sends pushes. All of it belongs to the goroutine of [Simulator.RunPushes], but for what
// says otherwise.
type outbox struct {
	sim     *Simulator
	hook    *hook
	lanes   []chan *delivery // to the goroutines that post
	refused chan *delivery   // from them
	acks    chan ack         // from the stream connections
	later   schedule
	held    map[string]*delivery // by lane, those that wait for the next to overtake them
	sent    map[string]*delivery // by message id, those that await an acknowledgement
	ids     uint64               // message ids given out
}

// RunPushes sends what happens to the webhook and over the stream connections, from the time of
// [New] and of the first connection on, and serves those connections. It blocks until ctx ends, and
// then waits for everything it started. [Simulator.Serve] runs it. It returns [ErrPushing] when it
// runs already, and otherwise nil.
func (s *Simulator) RunPushes(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o, err := s.openOutbox(ctx)
	if err != nil {
		return err
	}
	o.work(ctx)
	return nil
}

// openOutbox lets connections in until ctx ends. Their events wait for work.
func (s *Simulator) openOutbox(ctx context.Context) (*outbox, error) {
	o := &outbox{
		sim: s, refused: make(chan *delivery), acks: make(chan ack),
		held: map[string]*delivery{}, sent: map[string]*delivery{},
	}
	return o, s.openGateway(ctx, o.acks)
}

// work sends pushes until ctx ends, which is that of openOutbox, and then waits for everything it
// started.
func (o *outbox) work(ctx context.Context) {
	var posting sync.WaitGroup
	if o.sim.callback != nil {
		o.hook = newHook(o.sim)
		for range lanes {
			lane := make(chan *delivery, laneLength)
			o.lanes = append(o.lanes, lane)
			posting.Go(func() { o.post(ctx, lane) })
		}
	}
	o.run(ctx)
	posting.Wait()
	o.sim.closeGateway()
	if o.hook != nil {
		o.hook.client.CloseIdleConnections()
	}
}

func (o *outbox) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-o.sim.news:
		case d := <-o.refused:
			o.again(d)
		case a := <-o.acks:
			o.answered(a)
		}
		o.collect()
		now := time.Now()
		for d := o.later.due(now); d != nil; d = o.later.due(now) {
			o.timeout(d)
		}
		timer.Reset(o.wait(now))
	}
}

// wait returns how long there is nothing to do.
func (o *outbox) wait(now time.Time) time.Duration {
	d := idle
	if len(o.later.all) > 0 {
		d = min(d, o.later.all[0].at.Sub(now))
	}
	o.sim.mu.Lock()
	defer o.sim.mu.Unlock()
	if _, ok := o.sim.tellFrom(); !ok {
		return d
	}
	if o.sim.otherClock {
		return min(d, otherClock)
	}
	if due := o.sim.meetings.NoticeDue(); due != history.NothingDue {
		d = min(d, time.Duration(due-o.sim.millis())*time.Millisecond)
	}
	return max(d, 0)
}

// timeout does what is to be done with a delivery whose time has come.
func (o *outbox) timeout(d *delivery) {
	if o.held[d.lane()] == d {
		delete(o.held, d.lane())
	}
	if d.awaiting {
		o.unacknowledged(d, 0)
		return
	}
	o.dispatch(d)
}

// post sends what comes on one lane, one after the other. It has a goroutine of its own.
func (o *outbox) post(ctx context.Context, lane <-chan *delivery) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-lane:
			if o.hook.post(ctx, d) || d.once || ctx.Err() != nil {
				continue
			}
			select {
			case o.refused <- d:
			case <-ctx.Done():
				return
			}
		}
	}
}

// dispatch sends a delivery now.
func (o *outbox) dispatch(d *delivery) {
	d.attempts++
	if d.class == fault.ClassStream {
		o.stream(d)
		return
	}
	select {
	case o.lanes[history.Hash(d.lane())%lanes] <- d:
	default:
		o.drop(d)
	}
}

// again sends a push that the webhook has refused once more, at its time.
func (o *outbox) again(d *delivery) {
	settings := o.sim.settings.Push
	switch d.attempts {
	case 1:
		o.postpone(d, time.Duration(settings.Retry))
	case 2:
		o.postpone(d, time.Duration(settings.LastRetry))
	default:
		o.sim.counted(d.class, func(w *WayStats) { w.GivenUp++ })
	}
}

func (o *outbox) postpone(d *delivery, wait time.Duration) bool {
	if !o.later.add(d, time.Now().Add(wait)) {
		o.drop(d)
		return false
	}
	return true
}

func (o *outbox) drop(d *delivery) {
	o.sim.counted(d.class, func(w *WayStats) { w.Dropped++ })
	o.sim.logger.Warn("simulator: too many pushes wait, one is dropped", "meeting", d.event.conferenceID(), "way", d.class)
}
