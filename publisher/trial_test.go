package publisher

import (
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// TestATrialThatIsOutOfTimeSaysWhatTheServerSaid, and not that the last of its attempts was cut
// short.
func TestATrialThatIsOutOfTimeSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := still(t, nc, Options{})
	var asked atomic.Int32
	_, err := nc.Subscribe(TrialIngest+">", func(m *nats.Msg) {
		if m.Reply != "" && asked.Add(1) == 1 {
			assert.NoError(t, m.Respond([]byte(`{"error":{"code":400,"err_code":10176,"description":"batch is incomplete"}}`)))
		}
	})
	require.NoError(t, err)
	j, err := p.build(Record{State: diff.New(trialMeeting)}, trialStep(1))
	require.NoError(t, err)
	for _, m := range j.msgs {
		m.Subject = TrialIngest + m.Subject
	}
	a := p.sendUntilTaken(t.Context(), j)
	assert.Equal(t, busy, a.verdict)
	require.ErrorContains(t, a.err, "batch is incomplete")
	assert.Greater(t, asked.Load(), int32(1), "it was asked again")
}
