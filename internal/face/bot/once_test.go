package bot

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/robot"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

var seeds = flag.Int("bot.seeds", 6, "histories of kills and faults to play")

// Every join is told once, however the robot fails and whenever the process is killed, between any
// two things it does; and the robot is never sent too much.
func TestEveryJoinIsToldOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		*seeds = min(*seeds, 3)
	}
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(seed), 0))
			w := newWorld(t, simulator.RobotSettings{TextCodes: seed%2 == 1})
			w.fault(
				fault.Fault{Kind: fault.RobotBusy, Probability: 0.1},
				fault.Fault{Kind: fault.RobotHTML, Probability: 0.05},
				fault.Fault{Kind: fault.RobotReset, Probability: 0.05},
				fault.Fault{Kind: fault.RobotLost, Probability: 0.2},
				fault.Fault{Kind: fault.RobotThrottled, Probability: 0.03},
				fault.Fault{Kind: fault.RobotRefused, Probability: 0.03},
			)
			rules := w.rules(office)
			first := w.launch("first", rules, -1, false)
			w.ready("office")
			first.stop()
			for life := range 30 {
				for range rng.IntN(6) {
					w.join(fmt.Sprintf("m%d", rng.IntN(3)), name(len(w.joined)))
				}
				p := w.launch(fmt.Sprint(life), rules, rng.IntN(12), rng.IntN(2) == 0)
				require.Eventually(t, func() bool { return p.died() || w.allTold(0) }, patience, time.Millisecond)
				p.stop()
			}
			w.launch("last", rules, -1, false)
			w.told(0)
			assert.LessOrEqual(t, w.sim.Robots()[0].MaxPerMinute, robot.Limit)
		})
	}
}

func (p *process) died() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// Two processes that each believe to be alone as soon as they look: what one does is undone for the
// other, and nothing is told twice.
func TestProcessesThatDisturbEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.RobotSettings{PerMinute: 10_000})
	w.fault(fault.Fault{Kind: fault.RobotLost, Probability: 0.2})
	rules := w.rules(office)
	w.launch("a", rules, -1, false)
	w.launch("b", rules, -1, false)
	w.ready("office")
	for i := range 40 {
		w.join("m", name(i))
	}
	w.told(0)
	for i := range 40 {
		w.join("m", name(100+i))
	}
	w.told(0)
}

func TestNeverMoreThanTwentyAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(strings.Replace(office, "5ms", "0s", 1))
	p := w.launch("a", rules, -1, false)
	w.ready("office")
	for i := range 50 {
		w.join("m", name(i))
		w.told(0)
		if i%15 == 14 { // what a process has sent counts for the next
			p.stop()
			p = w.launch(fmt.Sprint(i), rules, -1, false)
		}
	}
	state := w.sim.Robots()[0]
	assert.LessOrEqual(t, state.MaxPerMinute, robot.Limit)
	assert.Zero(t, state.Throttled)
	assert.Greater(t, len(state.Said), 2*robot.Limit, "or the limit was not in the way")
}

// A robot that is away for hours is told everything afterwards, in few messages.
func TestRobotThatIsAwayForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(office)
	w.launch("a", rules, -1, false)
	w.ready("office")
	w.fault(fault.Fault{Kind: fault.RobotReset})
	w.join("m", "first")
	began := w.clock.now()
	require.Eventually(t, func() bool { return w.sim.Robots()[0].Calls > 40 }, patience, time.Millisecond)
	assert.Greater(t, w.clock.now().Sub(began), 30*time.Minute, "it was asked too often")
	for i := range 700 {
		w.join(fmt.Sprintf("m%d", i%7), name(i))
	}
	require.Empty(t, w.said(0))
	w.sim.ClearFaults()
	w.told(0)
	assert.LessOrEqual(t, len(w.said(0)), 10)
	for _, text := range w.said(0) {
		assert.LessOrEqual(t, len(text), maxText)
	}
}

func TestBlockIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(office)
	p := w.launch("a", rules, -1, false)
	w.ready("office")
	w.fault(fault.Fault{Kind: fault.RobotThrottled, Next: 1})
	w.join("m", "Ann")
	require.Eventually(t, func() bool { return w.sim.Robots()[0].Throttled > 0 }, patience, time.Millisecond)
	p.stop()
	w.launch("b", rules, -1, false)
	w.told(0)
	state := w.sim.Robots()[0]
	assert.LessOrEqual(t, state.Throttled, 2, "it asked during the block, more often than one lost note of it explains")
	assert.GreaterOrEqual(t, state.Said[0].At, state.BlockedUntil)
}

// One robot that refuses everything does not hold up another.
func TestRobotsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.RobotSettings{}, simulator.RobotSettings{Token: "b", Secret: "c"})
	w.launch("a", w.rules(`
batch: 5ms
robots:
  good: {url: URL, token: simulated-robot-token, secret: SECsimulatedrobotsecret}
  bad: {url: URL, token: b, secret: this is not it}
rules: [{robots: [good, bad]}]
`), -1, false)
	w.ready("good")
	w.ready("bad")
	w.join("m", "Ann")
	w.join("m", "Bob")
	w.told(0)
	assert.Empty(t, w.said(1))
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "the robot bad") }, patience, time.Millisecond)
	for _, secret := range []string{"this is not it", "simulated-robot-token", "SECsimulatedrobotsecret"} {
		assert.NotContains(t, w.log.String(), secret)
	}
}

// A message that the robot will never say does not hold up the next.
func TestContentThatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.launch("a", w.rules(office), -1, false)
	w.ready("office")
	w.fault(fault.Fault{Kind: fault.RobotContent})
	w.join("m", "Ann")
	require.Eventually(t, func() bool {
		return strings.Contains(w.log.String(), "it is dropped") && len(w.kept("office").Outbox) == 0
	}, patience, time.Millisecond)
	w.sim.ClearFaults()
	w.joined = nil
	w.join("m", "Bob")
	w.told(0)
	assert.NotContains(t, w.counts(0), "Ann")
}

func TestServerThatRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.launch("a", w.rules(office), -1, false)
	w.ready("office")
	for i := range 3 {
		w.join("m", name(2*i))
		w.told(0)
		require.NoError(t, w.nats.Close())
		w.start()
		w.join("m", name(2*i+1))
		w.told(0)
	}
}

// What is waiting to be sent is sent as it is, also under rules that would not have told it.
func TestRulesThatChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.launch("a", w.rules(office), -1, false)
	w.ready("office")
	w.fault(fault.Fault{Kind: fault.RobotLost})
	w.join("m", "Ann")
	require.Eventually(t, func() bool { return w.sim.Robots()[0].Repeated > 0 }, patience, time.Millisecond)
	p.stop()
	w.sim.ClearFaults()
	w.launch("b", w.rules(strings.Replace(office, "{robots: [office]}", "{robots: [office], people: {names: [B*]}}", 1)), -1, false)
	w.join("m", "Bob")
	w.told(0)
	w.join("m", "Ada")
	w.join("m", "Bea")
	require.Eventually(t, func() bool { return w.counts(0)["Bea"] == 1 }, patience, time.Millisecond)
	assert.NotContains(t, w.counts(0), "Ada")
}
