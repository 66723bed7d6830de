package publisher

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// edited changes the running stream as an operator does.
func edited(t *testing.T, p *Publisher, set func(*jetstream.StreamConfig)) {
	t.Helper()
	c := configOf(t, p)
	set(&c)
	_, err := p.js.UpdateStream(t.Context(), c)
	require.NoError(t, err)
}

// looked waits for the comparison that a publisher begins with, which would undo what a test
// changes before it.
func looked(t testing.TB, p *Publisher) {
	t.Helper()
	require.Eventually(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drift.limits != nil }, maxResends, time.Millisecond)
}

func configOf(t *testing.T, p *Publisher) jetstream.StreamConfig {
	t.Helper()
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	return st.CachedInfo().Config
}

// watchful is a publisher that compares often, and its log.
func watchful(t *testing.T) (*Publisher, *logbuffer.Buffer) {
	t.Helper()
	var log logbuffer.Buffer
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	return open(t, nc, Options{CompareEvery: 20 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))}), &log
}

func TestWhatSomebodyChangesIsMendedWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*jetstream.StreamConfig){
		"atomic":     func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false },
		"rollup":     func(c *jetstream.StreamConfig) { c.AllowRollup = false },
		"direct":     func(c *jetstream.StreamConfig) { c.AllowDirect = false },
		"duplicates": func(c *jetstream.StreamConfig) { c.Duplicates = time.Hour },
		"discard":    func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"republish":  func(c *jetstream.StreamConfig) { c.RePublish = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, log := watchful(t)
			edited(t, p, set)
			require.Eventually(t, func() bool {
				_, left := improved(configOf(t, p), 1)
				return len(left) == 0 && strings.Contains(log.String(), "changed back")
			}, maxResends, 5*time.Millisecond)
			require.NoError(t, p.Drift())
			update(t, p, newRoom("room").join("ann"))
			assert.Equal(t, 1, strings.Count(log.String(), "changed back"), "%s", log)
		})
	}
}

func TestWhatCannotBeMendedIsSaidUntilItIsUndone(t *testing.T) {
	t.Parallel()
	for says, set := range map[string]func(*jetstream.StreamConfig){
		"max_age is 1h0m0s, not 0":                  func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"max_msg_size is 100000, not unlimited":     func(c *jetstream.StreamConfig) { c.MaxMsgSize = 100000 },
		"max_msgs_per_subject is 9, not unlimited":  func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 9 },
		"republish is {Source:conference.> ":        func(c *jetstream.StreamConfig) { c.RePublish.Destination = "copies.>" },
		"subjects is [rollcall.in.> orders.>], not": func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "orders.>") },
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			p, log := watchful(t)
			good := configOf(t, p)
			edited(t, p, set)
			require.Eventually(t, func() bool { return p.Drift() != nil }, maxResends, 5*time.Millisecond)
			require.ErrorIs(t, p.Drift(), ErrStreamConfig)
			require.ErrorContains(t, p.Drift(), says)
			bad := configOf(t, p)
			before := compared(p)
			require.Eventually(t, func() bool { return compared(p) > before+3 }, maxResends, 5*time.Millisecond)
			assert.Equal(t, bad, configOf(t, p), "it is left as it is")
			edited(t, p, func(c *jetstream.StreamConfig) { *c = good })
			require.Eventually(t, func() bool { return p.Drift() == nil }, maxResends, 5*time.Millisecond)
			assert.Equal(t, 1, strings.Count(log.String(), "not to its good"), "%s", log)
			require.Eventually(t, func() bool { return strings.Contains(log.String(), "as it should be again") }, maxResends, time.Millisecond)
		})
	}
}

// compared counts the requests that the connection has sent, most of them for comparisons.
func compared(p *Publisher) uint64 { return p.nc.Stats().OutMsgs }

// TestBothKindsAtOnce mends what can be mended of a stream that cannot be mended altogether, unless
// it is not ours.
func TestBothKindsAtOnce(t *testing.T) {
	t.Parallel()
	p, _ := watchful(t)
	edited(t, p, func(c *jetstream.StreamConfig) { c.MaxAge, c.RePublish = time.Hour, nil })
	require.Eventually(t, func() bool { return configOf(t, p).RePublish != nil }, maxResends, 5*time.Millisecond)
	require.Eventually(t, func() bool { return p.Drift() != nil }, maxResends, 5*time.Millisecond)
	require.ErrorContains(t, p.Drift(), "max_age")
	assert.Equal(t, time.Hour, configOf(t, p).MaxAge)

	edited(t, p, func(c *jetstream.StreamConfig) { c.Subjects, c.RePublish = []string{"rollcall.in.>", "orders.>"}, nil })
	require.Eventually(t, func() bool { return p.Drift() != nil && strings.Contains(p.Drift().Error(), "orders") }, maxResends, 5*time.Millisecond)
	assert.Nil(t, configOf(t, p).RePublish)
}

func TestLimitsOfTheOperatorStay(t *testing.T) {
	t.Parallel()
	p, log := watchful(t)
	looked(t, p)
	edited(t, p, func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 })
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "changed the limits") }, maxResends, 5*time.Millisecond)
	require.NoError(t, p.Drift())
	assert.Equal(t, int64(1<<30), configOf(t, p).MaxBytes)
	assert.Equal(t, 1, strings.Count(log.String(), "changed the limits"), "%s", log)
}

// TestARefusalHasTheConfigurationCompared long before its minute has come.
func TestARefusalHasTheConfigurationCompared(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL(), nats.Name("patient"))
	p := open(t, nc, Options{CompareEvery: time.Hour})
	looked(t, p)
	edited(t, p, func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false })
	require.Error(t, p.Beat(t.Context(), 1))
	require.Eventually(t, func() bool { return p.Beat(t.Context(), 1) == nil }, maxResends, 50*time.Millisecond)
}
