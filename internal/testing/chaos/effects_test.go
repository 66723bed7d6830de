package chaos_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// effects are what the faults did to the service: one that leaves no trace proves nothing.
type effects struct {
	reconnects int            // to NATS
	resent     map[string]int // commits that were sent again, by the answer they had
	pushes     uint64         // pushes that DingTalk had to send again
	handovers  int            // looks at a meeting by another replica than the one before
	silenced   map[string]int // faults during which the victim made no call, by kind
	failed     int            // requests that DingTalk failed in its outages
	largest    int            // most people who were told to be in a meeting at a time
}

var resent = regexp.MustCompile(`msg="a commit is sent again".* answer=("[a-z ]+"|[a-z]+)`)

var reconnected = regexp.MustCompile(`msg="reconnected to NATS"`)

func (r *report) observe() {
	e := effects{resent: map[string]int{}, silenced: map[string]int{}}
	for _, p := range r.world.replicas {
		log, err := os.ReadFile(p.log)
		if !assert.NoError(r.world.t, err) {
			continue
		}
		e.reconnects += len(reconnected.FindAll(log, -1))
		for _, m := range resent.FindAllSubmatch(log, -1) {
			e.resent[string(m[1])]++
		}
	}
	stats := r.world.dingtalk.sim.Stats()
	way := stats.Pushes.Ways[fault.ClassWebhook]
	e.pushes = way.Refused - min(way.Refused, stats.Faults[fault.PushForged])
	last := map[string]int{}
	for _, c := range r.calls {
		if c.look == "" {
			continue
		}
		if by, ok := last[c.look]; ok && by != c.replica {
			e.handovers++
		}
		last[c.look] = c.replica
	}
	for _, kind := range []string{kill, stop, cutDingTalk} {
		e.silenced[kind] = r.world.tally.silenced(r.calls, kind)
	}
	e.failed = int(r.world.dingtalk.failed.Load())
	for _, told := range r.notes.told {
		e.largest = max(e.largest, told.Member.ActiveCount)
	}
	r.effects = e
}

// hold holds the faults to having had an effect. A short run may miss one by chance.
func (e effects) hold(t *testing.T, s setup, faults map[string]int) {
	const enough = 10
	for kind, effect := range map[string]int{
		kill: e.silenced[kill], stop: e.silenced[stop], cutDingTalk: e.silenced[cutDingTalk],
		cutBroker: e.reconnects, killBroker: e.reconnects, killBrokers: e.reconnects,
	} {
		if faults[kind] >= enough {
			assert.NotZero(t, effect, "no effect of %d faults of the kind %s", faults[kind], kind)
		}
	}
	if faults[outage] > 0 {
		assert.NotZero(t, e.failed, "no request of %d outages", faults[outage])
	}
	if faults[bigMeeting] > 0 {
		assert.Greater(t, e.largest, hundreds/2, "people at a time in %d big meetings", faults[bigMeeting])
	}
	if s.pushes && s.faults >= enough*len(s.kinds) {
		assert.NotZero(t, e.pushes, "no push was sent again")
	}
	if s.replicas > 1 && faults[kill] >= enough {
		assert.NotZero(t, e.handovers, "no meeting changed hands")
	}
}
