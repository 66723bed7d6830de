package chaos_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// despair is how long what is lost for good is waited for.
const despair = 10 * time.Second

// What can be wrong with the program.
var (
	// without the compare-and-set, the last to store wins.
	blind = flaw{"publisher/message.go", "if !blind {", "if false {"}
	// A batch whose outcome is not known is sent again without asking.
	forgetful = flaw{"publisher/batch.go", "if group[0].unknown && p.recognise(ctx, group) {", "if false {"}
	// The server does not know an event that it has already.
	nameless = flaw{"publisher/message.go", "Header.Set(nats.MsgIdHdr, e.ID)", `Header.Set("Event-Id", e.ID)`}
	// What is stored does not tell who has left.
	lossy = flaw{"diff/decode.go", "p.start, p.end = start, end", "p.start, p.end = start, 0*end"}
	// A list that cannot be read counts as an empty one.
	hasty = flaw{
		"poller/call.go", "p.source.Members(asking, m.id); err != nil {\n\t\treturn list, snap, err\n\t}",
		"p.source.Members(asking, m.id); err != nil {\n\t\tlist.Certain = true\n\t}",
	}
	// More than a batch takes is stored as one all the same.
	unsplit = flaw{"diff/steps.go", "if len(r.Events) <= limit {", "if limit > 0 {"}
	// What stands on the second page is not read.
	brief = flaw{"internal/dingtalk/api/members.go", "if !w.turn() {", "if w.turn(); true {"}
	// Anybody may push.
	trusting = flaw{"internal/dingtalk/callback/open.go", "err != nil {\n\t\treturn nil, refused(WrongSignature, err)", "err != nil && false {\n\t\treturn nil, refused(WrongSignature, err)"}
)

// everyFlaw is all of them.
var everyFlaw = []flaw{blind, forgetful, nameless, lossy, hasty, unsplit, brief, trusting}

// TestFlawsCanBeMade wherever the code has moved to since they were thought of.
func TestFlawsCanBeMade(t *testing.T) {
	_, err := overlay(filepath.Join(t.TempDir(), "rollcall"), everyFlaw)
	require.NoError(t, err)
}

// TestEveryFaultMatters runs programs that are wrong in some way, without a fault and with one kind
// of faults: only that kind shows what is wrong. Against a pause of a replica there are too many
// guards for one flaw to show; what pauses do is counted, see effects.
func TestEveryFaultMatters(t *testing.T) {
	if *flaws == 0 {
		t.Skip("it builds many programs: -chaos.flaws says how many faults are to bring out what is wrong with each")
	}
	for name, test := range map[string]struct {
		flaws    []flaw
		replicas int
		faults   string
	}{
		"kill of a replica":        {flaws: []flaw{lossy}, replicas: 1, faults: kill},
		"restart of a replica":     {flaws: []flaw{lossy}, replicas: 1, faults: restart},
		"cut from the NATS server": {flaws: []flaw{blind, forgetful, nameless}, replicas: 1, faults: cutBroker},
		"kill of the NATS server":  {flaws: []flaw{blind, forgetful, nameless}, replicas: 1, faults: killBroker},
		"cut from DingTalk":        {flaws: []flaw{hasty}, replicas: 1, faults: cutDingTalk},
		"outage of DingTalk":       {flaws: []flaw{hasty}, replicas: 1, faults: outage},
		"more than a batch takes":  {flaws: []flaw{unsplit}, replicas: 1, faults: bigMeeting},
		"more than a page holds":   {flaws: []flaw{brief}, replicas: 1, faults: bigMeeting},
		"forged pushes":            {flaws: []flaw{trusting}, replicas: 1, faults: badPushes},
	} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "rollcall")
			require.NoError(t, build(program, test.flaws))
			s := usual(test.replicas, 1, test.faults)
			s.program, s.rooms, s.troubles, s.patience = program, 4, nil, despair
			sound := s
			sound.kinds, sound.pushes, sound.faults = nil, false, *flaws
			r := newWorld(t, sound).runFaults()
			assert.True(t, r.faultless(), "without a fault: %v", r.notes.text)
			s.faults = *flaws
			shows(t, s, func(r *report) bool { return !r.faultless() })
		})
	}
}

// shows runs a program that is wrong until that shows. Chance may have to be given several.
func shows(t *testing.T, s setup, wrong func(*report) bool) {
	for range 8 {
		r := newWorld(t, s).runFaults()
		t.Logf("%d lost, %d doubled, %d invented, %d gaps", r.lost, r.doubled, r.invented, r.gaps)
		if wrong(r) {
			return
		}
	}
	assert.Fail(t, "what is wrong with the program does not show")
}

// TestWithoutCompareAndSet takes away what makes every event be stored once.
func TestWithoutCompareAndSet(t *testing.T) {
	if testing.Short() {
		t.Skip("chaos takes a while")
	}
	t.Parallel()
	program := filepath.Join(t.TempDir(), "rollcall")
	require.NoError(t, build(program, []flaw{blind}))
	s := usual(3, 1, "")
	s.faults, s.rooms, s.program, s.patience = 8, 3, program, despair
	shows(t, s, func(r *report) bool { return r.doubled+r.gaps > 0 })
}
