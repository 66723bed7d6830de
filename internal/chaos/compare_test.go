package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
)

// stored reads every event that matches the filter, in the order of the stream.
func stored(ctx context.Context, t *testing.T, js jetstream.JetStream, filter string) []events.Event {
	consumer, err := js.OrderedConsumer(ctx, events.Stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	require.NoError(t, err)
	info, err := consumer.Info(ctx)
	require.NoError(t, err)
	var out []events.Event
	for pending := info.NumPending; pending > 0; {
		msg, err := consumer.Next(jetstream.FetchMaxWait(fetchTimeout))
		require.NoError(t, err)
		meta, err := msg.Metadata()
		require.NoError(t, err)
		pending = meta.NumPending
		e, err := events.Decode(msg.Data())
		require.NoError(t, err)
		if filter == events.AllMembers { // the copy by meeting cannot have the same message id in the same stream
			assert.Equal(t, e.ID, msg.Headers().Get("Nats-Msg-Id"))
		}
		out = append(out, e)
	}
	return out
}

// check compares what is stored of a meeting with what happened: everything once, numbered without a gap, joined and
// left alternating for everybody.
func check(t *testing.T, got []events.Event, want simulator.MeetingTruth) {
	roster := events.NewRoster(want.ConferenceID)
	ids := map[string]bool{}
	active := 0
	var facts []string
	for i, e := range got {
		assert.Equal(t, uint64(i+1), e.Sequence, "sequence of %s", e.ID)
		assert.False(t, ids[e.ID], "event %s is stored twice", e.ID)
		ids[e.ID] = true
		assert.NoError(t, roster.Apply(e))
		if e.Type == events.Joined {
			active++
		} else {
			active--
		}
		assert.Equal(t, active, e.Member.ActiveCount, "activeCount of %s", e.ID)
		facts = append(facts, fact(e.Member.UnionID, e.Member.UserNick, string(e.Type), e.Time.UnixMilli()))
	}
	var truth []string
	for _, e := range want.Events {
		truth = append(truth, fact(e.UnionID, e.Nick, "conference.member."+e.Event, e.At))
	}
	slices.Sort(facts)
	slices.Sort(truth)
	assert.Equal(t, truth, facts, "lost, or made up")
	assert.Empty(t, roster.Present())
}

func fact(unionID, nick, what string, at int64) string {
	return fmt.Sprintf("%s/%s %s %d", unionID, nick, what, at)
}

// checkViews holds the two views of the events to each other: the same events, each view in the order of the other.
func checkViews(t *testing.T, all []events.Event, byMeeting map[string][]events.Event) {
	seen := map[string][]events.Event{}
	for _, e := range all {
		seen[e.ConferenceID()] = append(seen[e.ConferenceID()], e)
	}
	require.Equal(t, len(byMeeting), len(seen))
	for id, list := range byMeeting {
		assert.Equal(t, ids(list), ids(seen[id]), "the views of %s differ", id)
	}
}

func ids(list []events.Event) string {
	var out strings.Builder
	for _, e := range list {
		out.WriteString(e.ID + "\n")
	}
	return out.String()
}
