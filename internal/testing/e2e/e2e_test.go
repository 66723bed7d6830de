package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/poller"
)

const (
	length  = 4 * time.Minute // of every meeting
	inReal  = 5 * time.Second // that is how long it takes
	patient = time.Minute
)

// meetings are random ones in both representations of a rejoin. They end together, and can be read
// for longer than any test takes.
func meetings(t *testing.T, seed uint64) *simulator.Scenario {
	t.Helper()
	sc := &simulator.Scenario{Seed: seed, Settings: simulator.Settings{PageCap: 20, ShortPages: 0.3}}
	for _, rejoin := range []history.Rejoin{history.ResetRow, history.AddRow} {
		plan, err := history.Generate{
			Meetings: 3, People: 40, Prefix: string(rejoin) + "-", Rejoin: rejoin, Visits: 4,
			Length: history.Duration(length), Gap: history.Duration(length / 6),
			Devices: 0.3, Kicks: 0.2, Calls: 0.2, Absentees: 0.1, Guests: 0.2, Outer: 0.2, Phones: 0.1,
		}.Plans(seed)
		require.NoError(t, err)
		sc.Meetings = append(sc.Meetings, plan...)
	}
	keep, end := history.Duration(time.Hour), history.Duration(length)
	for i := range sc.Meetings {
		sc.Meetings[i].Keep, sc.Meetings[i].Start, sc.Meetings[i].End = &keep, 0, &end
	}
	return sc
}

// troubles are faults of every call until a while before the meetings end: what is not read by then
// is read from what the list keeps.
func troubles() []fault.Fault {
	until := history.Duration(length / 2)
	var out []fault.Fault
	for _, kind := range []fault.Kind{
		fault.QPSApp, fault.Busy, fault.Quota, fault.SystemError, fault.BadToken,
		fault.ExpireToken, fault.Empty, fault.OtherJSON, fault.Hang,
		fault.Reset, fault.Truncated, fault.Cut, fault.ContentType,
	} {
		out = append(out, fault.Fault{Kind: kind, Probability: 0.004, To: until})
	}
	for _, kind := range []fault.Kind{
		fault.Gzip, fault.RepeatToken, fault.ZeroToken, fault.MissingToken,
		fault.MissingRows, fault.Shuffle, fault.UnknownFields, fault.InvalidUTF8,
	} {
		out = append(out, fault.Fault{Kind: kind, Probability: 0.02, To: until})
	}
	lists := []fault.Class{fault.ClassMembers}
	return append(out,
		fault.Fault{Kind: fault.WrongTotal, Probability: 0.2, To: until, Share: 0.2},
		fault.Fault{Kind: fault.UnknownStatus, Probability: 0.2, Share: 0.2}, // until it is cleared
		fault.Fault{Kind: fault.NotFound, Calls: []fault.Class{fault.ClassInfo}, To: until},
		fault.Fault{Kind: fault.NotFound, Calls: lists, From: history.Duration(length / 6), Next: 1},
		fault.Fault{Kind: fault.Denied, Calls: lists, From: history.Duration(length / 5), Next: 2},
	)
}

func TestTruthInSpiteOfFaults(t *testing.T) {
	t.Parallel()
	pub, js := openStore(t)
	now, begin := hurry(length, float64(length/inReal))
	sim, client := simulate(t, simulator.Options{Scenario: meetings(t, 1), Faults: troubles(), Now: now, Start: begin})
	p, _ := watch(t, client, pub, sim.MeetingIDs()...)
	require.Eventually(t, func() bool {
		return now().After(begin.Add(length/2)) && p.Counts().Failures > 0 && p.Counts().UnknownStatus > 0
	}, patient, time.Millisecond)
	sim.ClearFaults()
	closed(t, now, begin, p)
	compare(t, sim, js, true)
}

// TestTruthInSpiteOfRestarts has two pollers watch the same meetings at the same time, as replicas
// may for a moment, and stops one of them again and again: a new one goes on where the stored
// states are.
func TestTruthInSpiteOfRestarts(t *testing.T) {
	t.Parallel()
	pub, js := openStore(t)
	now, begin := hurry(length, float64(length/inReal))
	sim, client := simulate(t, simulator.Options{Scenario: meetings(t, 2), Now: now, Start: begin})
	all := sim.MeetingIDs()
	steady, _ := watch(t, client, pub, all...)
	restarts := 0
	for ; restarts == 0 || now().Before(begin.Add(length*3/4)); restarts++ {
		p, stop := watch(t, client, pub)
		if loaded := len(p.Meetings()); now().Before(begin.Add(length)) {
			require.Len(t, all, loaded, "what is stored as watched is watched")
		}
		require.Eventually(t, func() bool {
			return p.Counts().Looks > uint64(len(all)) || len(p.Meetings()) == 0
		}, patient, time.Millisecond)
		stop()
	}
	assert.NotZero(t, restarts)
	last, _ := watch(t, client, pub)
	closed(t, now, begin, steady, last)
	compare(t, sim, js, true) // two who write for one meeting keep each other waiting
}

// closed waits until pollers have closed out all meetings. Once these are over, they are asked
// about it, as discovery would ask.
func closed(t *testing.T, now func() time.Time, begin time.Time, pollers ...*poller.Poller) {
	t.Helper()
	require.Eventually(t, func() bool {
		left := 0
		for _, p := range pollers {
			for _, m := range p.Meetings() {
				left++
				if now().After(begin.Add(length)) {
					p.CheckEnd(m.ConferenceID)
				}
			}
		}
		return left == 0
	}, patient, 20*time.Millisecond)
}
