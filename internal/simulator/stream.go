package simulator

import (
	"fmt"
	"slices"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// stream sends a delivery on one of the connections. Without one that wants it, it is tried again
// later.
func (o *outbox) stream(d *delivery) {
	s := o.sim
	event := d.event.with(d.damage)
	l, topic, faults := s.choose(event)
	if l == nil {
		o.redeliver(d, time.Duration(s.settings.Stream.Redeliver))
		return
	}
	if d.messageID == "" {
		o.ids++
		d.messageID = fmt.Sprintf("%s-%d", d.event.EventID[:16], o.ids)
	}
	data := encoded(event.frame(topic, d.messageID, s.settings.AppKey, s.now()))
	if d.damage.has(fault.PushGarbage) {
		data = []byte("}{ no JSON")
	}
	if d.damage.has(fault.PushTruncated) {
		data = data[:len(data)/2]
	}
	// A disconnect follows the event; everything else comes before it.
	first, last := []parcel{{frame: data}}, []parcel(nil)
	for _, f := range slices.Backward(faults) {
		if f.Kind == fault.StreamDisconnect {
			last = append(last, parcel{disturb: f})
		} else {
			first = slices.Insert(first, 0, parcel{disturb: f})
		}
	}
	for _, p := range append(first, last...) {
		if !l.send(p) {
			o.redeliver(d, time.Duration(s.settings.Stream.Redeliver))
			return
		}
	}
	s.counted(d.class, func(w *WayStats) { w.Sent++ })
	if o.postpone(d, time.Duration(s.settings.Stream.AckTimeout)) {
		d.awaiting = true
		o.sent[d.messageID] = d
	}
}

// redeliver sends a delivery again after a while, unless it has been tried too often.
func (o *outbox) redeliver(d *delivery, wait time.Duration) {
	if d.attempts >= o.sim.settings.Stream.Deliveries {
		o.sim.counted(d.class, func(w *WayStats) { w.GivenUp++ })
		return
	}
	o.postpone(d, wait)
}

// answered takes a client's answer.
func (o *outbox) answered(a ack) {
	d := o.sent[a.messageID]
	if d == nil {
		return // it came too late, or answers nothing that was sent
	}
	o.later.remove(d)
	if !a.ok {
		o.unacknowledged(d, time.Duration(o.sim.settings.Stream.Redeliver))
		return
	}
	delete(o.sent, a.messageID)
	o.sim.counted(d.class, func(w *WayStats) { w.Acknowledged++ })
}

// unacknowledged sends a delivery again that a client did not take, or not in time.
func (o *outbox) unacknowledged(d *delivery, wait time.Duration) {
	d.awaiting = false
	delete(o.sent, d.messageID)
	o.sim.counted(d.class, func(w *WayStats) { w.Refused++ })
	o.redeliver(d, wait)
}
