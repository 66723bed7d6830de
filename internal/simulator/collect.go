package simulator

import (
	"cmp"
	"slices"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// tellFrom returns the time from which on somebody is told what happens, and whether anybody is.
// The caller holds the lock.
func (s *Simulator) tellFrom() (int64, bool) {
	if s.callback != nil {
		return s.created, true
	}
	return s.gateway.first, s.gateway.first != 0
}

// notices returns what has happened and was not told before, in the order it happened; what
// happened before from is passed over for good. The caller holds the lock.
func (s *Simulator) notices(from int64) []history.Notice {
	return s.meetings.Notices(from, s.millis(), s.settings.Push.LeavesAtEnd)
}

// collect makes pushes of what has happened, and sends them as the faults that hit them allow.
func (o *outbox) collect() {
	for _, p := range o.sim.planned() {
		o.send(p)
	}
}

// plannedPush is an event on one way, and the faults that hit it.
type plannedPush struct {
	class  fault.Class
	event  *pushEvent
	faults []fault.Fault
}

// planned returns the pushes that what has happened makes, within the month's quota.
func (s *Simulator) planned() []plannedPush {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := append(s.backlog, s.plan()...)
	s.backlog = nil
	return out
}

// plan makes the pushes of what has happened since it was last called. The caller holds the lock.
func (s *Simulator) plan() []plannedPush {
	from, ok := s.tellFrom()
	if !ok {
		return nil
	}
	var out []plannedPush
	now := s.now()
	for _, n := range s.notices(from) {
		event := s.newEvent(n, s.pushRng)
		for _, class := range fault.PushClasses {
			if class == fault.ClassWebhook && s.callback == nil || class == fault.ClassStream && s.gateway.first == 0 {
				continue
			}
			if !s.pushes.take(now) {
				s.pushes.count(class, func(w *WayStats) { w.OverQuota++ })
				continue
			}
			s.pushes.count(class, func(w *WayStats) { w.Pushes++ })
			faults := s.faults.Strike(class, n.Info.ID, now.UnixMilli(), s.pushRng, fault.StagePush)
			for _, f := range faults {
				s.stats.faults[f.Kind]++
			}
			out = append(out, plannedPush{class, event, faults})
		}
	}
	return out
}

// send sends what is left of a push: nothing, itself once or twice, now or later, with forgeries
// before it.
func (o *outbox) send(p plannedPush) {
	var all, wrong damage
	var wait time.Duration
	for _, f := range p.faults {
		all = append(all, f.Kind)
		if damaging.has(f.Kind) {
			wrong = append(wrong, f.Kind)
		}
		if f.Kind == fault.PushDelayed {
			wait += time.Duration(f.Delay)
		}
	}
	for _, kind := range []fault.Kind{fault.PushForged, fault.PushWrongOwner} {
		if all.has(kind) {
			d := newDelivery(p.class, p.event, damage{kind})
			d.once = true
			o.dispatch(d)
		}
	}
	if all.has(fault.PushLost) {
		return
	}
	copies := []*delivery{newDelivery(p.class, p.event, wrong)}
	if all.has(fault.PushDoubled) {
		copies = append(copies, newDelivery(p.class, p.event, wrong))
	}
	for _, d := range copies {
		switch {
		case wait > 0:
			o.postpone(d, wait)
		case o.hold(d, p.faults):
		default:
			o.dispatch(d)
			o.release(d.lane())
		}
	}
}

// damaging are the faults that change what is sent.
var damaging = damage{
	fault.PushGarbage, fault.PushTruncated, fault.PushUnknownType, fault.PushNoUser, fault.PushNoTimes, fault.PushOld,
}

// hold keeps a reordered push back until the next of its lane has been sent.
func (o *outbox) hold(d *delivery, faults []fault.Fault) bool {
	i := slices.IndexFunc(faults, func(f fault.Fault) bool { return f.Kind == fault.PushReordered })
	if i < 0 || o.held[d.lane()] != nil {
		return false
	}
	if o.postpone(d, time.Duration(cmp.Or(faults[i].Delay, history.Duration(defaultReorder)))) {
		o.held[d.lane()] = d
	}
	return true
}

// release sends what waited for another to overtake it.
func (o *outbox) release(lane string) {
	if d := o.held[lane]; d != nil {
		delete(o.held, lane)
		o.later.remove(d)
		o.dispatch(d)
	}
}
