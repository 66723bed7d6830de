package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
)

const (
	// slack is added to the robot's times: clocks differ.
	slack = time.Second
	// The pauses after a message that could not be sent double from firstPause. Where an operator
	// has to act they grow longer.
	firstPause = time.Second
	maxPause   = time.Minute
	maxRefused = 5 * time.Minute
)

// slots returns when the last requests cease to count, those that still do, in order. None is
// further ahead than a request can count, which it would after a clock was set back.
func (w *worker) slots(now time.Time) []int64 {
	var out []int64
	furthest := now.Add(requestTime + robot.Window + slack).UnixMilli()
	for _, until := range w.st.Slots {
		if until > now.UnixMilli() {
			out = append(out, min(until, furthest))
		}
	}
	slices.Sort(out)
	return out
}

// requestTime is how long a request may take from when it is announced.
const requestTime = storeTimeout + sendTimeout

// deliver sends the first message once. That it will is written before, with the longest time that
// it may take to arrive, and how it went after.
func (w *worker) deliver(ctx context.Context) error {
	began := w.now()
	slots := w.slots(began)
	w.st.Slots = append(slots, began.Add(requestTime+robot.Window+slack).UnixMilli())
	if err := w.save(ctx); err != nil {
		return err
	}
	if w.now().Sub(began) > storeTimeout {
		return nil // the process stood still: the request would arrive later than announced
	}
	m := w.st.Outbox[0]
	sendCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	err := w.sender.Send(sendCtx, m.Message)
	now := w.now()
	w.st.Slots = append(slots, now.Add(robot.Window+slack).UnixMilli())
	w.sent(m, err, now)
	return w.save(ctx)
}

// sent takes note of how sending a message went.
func (w *worker) sent(m outgoing, err error, now time.Time) {
	what := "the robot " + w.name
	if err != nil {
		w.reporter.Failed(what, err)
	}
	switch {
	case err == nil:
		w.quota.sent()
		w.reporter.OK(what)
		w.logger.Info("told", "robot", w.name, "events", m.Events, "msgUuid", m.UUID)
	case errors.Is(err, robot.ErrThrottled):
		w.st.BlockedUntil = now.Add(robot.Block + slack).UnixMilli()
		return
	case errors.Is(err, robot.ErrContent):
		w.logger.Error("the robot will never say a message: it is dropped", "robot", w.name, "events", m.Events, "msgUuid", m.UUID)
	default:
		longest := maxPause
		if errors.Is(err, robot.ErrRefused) {
			longest = maxRefused
		}
		w.st.NextTry = now.Add(pause.After(w.st.Failures, firstPause, longest)).UnixMilli()
		w.st.Failures++
		return
	}
	w.st.Outbox, w.st.Failures, w.st.NextTry = w.st.Outbox[1:], 0, 0
}
