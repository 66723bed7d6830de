package service

import (
	"net/http"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/publisher"
)

// Any replica tells what is known of a meeting that is over, as long as anything is stored of it.
func TestAMeetingThatIsOver(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	store := streamtest.Start(t)
	r := store.Record()
	ann := diff.Row{UnionID: "ann", UserNick: "Ann", Status: diff.StatusActive, JoinTime: streamtest.Begin}
	r.Watch("over", streamtest.Begin, diff.Description{Title: "Weekly", StartTime: streamtest.Begin})
	r.End("over", streamtest.Begin+60_000, ann)
	r.Watch("left", streamtest.Begin, diff.Description{})
	r.Commit("left", func(s *diff.State) diff.Result {
		return diff.Result{State: s.WithPhase(diff.Unwatched), Changed: true}
	})

	two := replicas(t, external(settings(t, api), store.Address), 2)
	told := func(text string) {
		t.Helper()
		for _, r := range two {
			r.eventually("/v1/meetings/over", http.StatusOK, text)
			r.eventually("/v1/meetings/over", http.StatusOK, `"state":"ended"`)
		}
	}
	told(`"sequence":2`)
	told(`"duration":60000`)
	for _, r := range two {
		r.eventually("/v1/meetings/left", http.StatusNotFound, `"state":"unwatched"`)
		r.eventually("/v1/meetings/never", http.StatusNotFound, "is not watched")
	}
	stream, err := store.JetStream().Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject(publisher.StateSubject("over"))))
	told(`"person":"ann"`)
}
