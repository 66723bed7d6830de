package doctor

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

func TestWhichEventsToSubscribeTo(t *testing.T) {
	t.Parallel()
	const both, status = "subscribe to meeting_status_change and meeting_member_status_change", "subscribe to meeting_status_change alone"
	for name, c := range map[string]struct {
		pushes  int
		size    size
		verdict Verdict
		says    string
	}{
		"no limit":       {0, size{1000, 100_000}, OK, both},
		"nothing stored": {3000, size{}, OK, "for up to about 71 meetings of ten people a month " + both + "; for more, up to 1500, to meeting_status_change alone"},
		"small":          {3000, size{80, 1600}, OK, "80 meetings, takes about 2560 of 3000 pushes: " + both},
		"middling":       {3000, size{400, 8000}, OK, "about 12800 of 3000 pushes with the members' events, and 800 without: " + status},
		"professional":   {50_000, size{400, 8000}, OK, both},
		"too large":      {3000, size{2000, 40_000}, Note, "pushes stop before the month ends"},
	} {
		f := subscribe(c.pushes, c.size)
		assert.Equal(t, c.verdict, f.Verdict, name)
		assert.Contains(t, f.Text, c.says, name)
	}
}

// TestTheSizeOfTheOrganisation is what is stored, once there is enough of it.
func TestTheSizeOfTheOrganisation(t *testing.T) {
	t.Parallel()
	nc, err := nats.Connect(broker(t, `jetstream: {store_dir: "HERE"}`).ClientURL())
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	assert.Zero(t, measured(t.Context(), js, 0), "no stream")
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: events.Stream, Subjects: []string{"conference.>"}})
	require.NoError(t, err)
	for subject, n := range map[string]int{string(events.MeetingStarted): 3, string(events.Joined): 4, string(events.Left): 5, events.ByMeeting("m", events.Joined): 7} {
		for range n {
			_, err := js.Publish(t.Context(), subject, nil)
			require.NoError(t, err)
		}
	}
	assert.Zero(t, measured(t.Context(), js, 0), "of a moment")
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	info, err := st.Info(t.Context(), jetstream.WithSubjectFilter("conference.*.*"))
	require.NoError(t, err)
	assert.Equal(t, size{meetings: 9, members: 27}, sizeOf(info.State.Subjects, 10*24*time.Hour), "the view by meeting does not count twice")
	assert.Zero(t, measured(t.Context(), js, time.Hour), "of no more than is kept")
}
