package history

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// epoch is when the plans of these tests begin.
const epoch = int64(1_700_000_000_000)

// fakeClock is a clock that stands still until it is moved, Unix milliseconds.
type fakeClock struct{ ms int64 }

// at sets the clock to an offset from the epoch.
func (c *fakeClock) at(d time.Duration) { c.ms = epoch + d.Milliseconds() }

// played are meetings and their clock.
type played struct {
	*Meetings
	clock       *fakeClock
	leavesAtEnd bool
}

// play plays the meetings of a scenario in YAML.
func play(t *testing.T, scenario string, change ...func(*Playing)) (*played, *fakeClock) {
	t.Helper()
	var sc struct {
		Seed     uint64
		Speed    float64
		Meetings []Plan
	}
	dec := yaml.NewDecoder(strings.NewReader(scenario))
	dec.KnownFields(true)
	require.NoError(t, dec.Decode(&sc))
	p := Playing{Start: epoch, Speed: cmp.Or(sc.Speed, 1), Seed: cmp.Or(sc.Seed, 1)}
	for _, f := range change {
		f(&p)
	}
	return playPlans(t, p, sc.Meetings...)
}

func playPlans(t require.TestingT, p Playing, plans ...Plan) (*played, *fakeClock) {
	m, err := Compile(plans, p)
	require.NoError(t, err)
	clock := &fakeClock{ms: epoch}
	return &played{Meetings: m, clock: clock}, clock
}

func (p *played) truth() Truth { return p.Truth(p.clock.ms) }

func (p *played) do(id string, batch ...LiveAction) (done, dropped []Action, err error) {
	return p.Do(id, p.clock.ms, batch...)
}

// take returns the notices of what has happened since it was called last.
func (p *played) take() []Notice { return p.Notices(epoch, p.clock.ms, p.leavesAtEnd) }

// list prints the rows of a meeting's list: "nick status join leave", times in seconds after the
// epoch.
func list(p *played, id string) []string {
	m := p.byID[id]
	m.Advance(p.clock.ms)
	out := []string{}
	for _, row := range m.Rows() {
		out = append(out, fmt.Sprintf("%s %d %s %s", m.Person(row.Person).Nick, row.Status, offset(row.Join), offset(row.Leave)))
	}
	return out
}

// expectedEvents prints a meeting's expected events: "time event nick visit reason", times in
// seconds after the epoch.
func expectedEvents(t *testing.T, p *played, id string) []string {
	t.Helper()
	m, ok := p.truth().Meeting(id)
	require.True(t, ok)
	out := []string{}
	for _, e := range m.Events {
		text := fmt.Sprintf("%s %s %s %d %s", offset(e.At), e.Event, e.Nick, e.Visit, e.Reason)
		if e.Inferred {
			text += " inferred"
		}
		if e.ListedUntil != 0 {
			text += " until " + offset(e.ListedUntil)
		}
		out = append(out, text)
	}
	return out
}

func offset(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3f", float64(ms-epoch)/1000), ".000")
}
