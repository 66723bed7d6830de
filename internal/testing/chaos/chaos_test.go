package chaos_test

import (
	"context"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// TestChaos is the chaos program: by the flags or, without -chaos.kills, a short dose of each
// setup.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("chaos takes a while")
	}
	if *kills > 0 {
		s := usual(*replicas, *brokers, *faults)
		s.faults = *kills
		dose(t, s)
		return
	}
	t.Parallel()
	for name, s := range map[string]setup{
		"the service with a NATS server inside": usual(1, 0, *faults),
		"three replicas, one NATS server":       usual(3, 1, *faults),
		"three replicas, three NATS servers":    usual(3, 3, *faults),
	} {
		s.faults, s.rooms = 8, 3
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dose(t, s)
		})
	}
}

// dose runs everything once and holds it to what must hold whatever is done to it.
func dose(t *testing.T, s setup) {
	w := newWorld(t, s)
	r := w.runFaults()
	r.print()
	r.check(t)
	r.hold(t, s, r.faults)
}

// runFaults injects the faults while meetings are held.
func (w *world) runFaults() *report { return w.run(w.injure) }

// run holds meetings while it does something, ends everything and compares.
func (w *world) run(do func(context.Context)) *report {
	meeting, end := context.WithCancel(w.all)
	var held sync.WaitGroup
	held.Go(func() { w.hold(meeting) })
	w.await("the first events", func(ctx context.Context) bool { return w.count(ctx, w.setup.first) > 0 })
	do(w.all)
	end()
	held.Wait()
	truth := w.dingtalk.sim.Truth().Meetings
	w.settle(truth)
	return w.report(truth)
}

// settle waits until everything is stored, and ends the replicas, which must have nothing to add.
func (w *world) settle(truth []history.MeetingTruth) {
	want := 0
	for _, m := range truth {
		want += len(m.Events)
	}
	w.within(w.setup.patience, func(ctx context.Context) bool {
		return w.count(ctx, events.AllMembers) >= want && w.count(ctx, string(events.MeetingEnded)) >= len(truth)
	})
	for _, r := range w.replicas {
		if w.setup.brokers > 0 { // else it takes what is stored along
			w.tally.stopped(r.terminate(patience))
		}
	}
}

// count counts the stored messages of a subject; it is 0 while there is nobody to ask.
func (w *world) count(ctx context.Context, filter string) int {
	stream, err := w.js.Stream(ctx, events.Stream)
	if err != nil {
		return 0
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return 0
	}
	n := 0
	for _, of := range info.State.Subjects {
		n += int(of)
	}
	return n
}
