package publisher

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// afterAnOutage is what waits to be stored together when a list can be read again that could not be
// read since blind: somebody was pushed, then the list shows a crowd, and perhaps the end of the
// meeting.
func afterAnOutage(r *room, pushed string, blind int64) intent {
	r.join(pushed)
	push := diff.Snapshot{
		Kind: diff.Partial, Rows: r.rows[len(r.rows)-1:], From: r.now + 100, At: r.now + 100, Via: events.ViaPush,
	}
	look := r.snapshot()
	var known diff.Mark // at the last look
	return func(s *diff.State) diff.Result {
		if s.Phase != diff.Watched {
			return diff.Result{State: s}
		}
		if known == (diff.Mark{}) {
			known = s.Mark()
		}
		res := diff.Start{At: push.At}.Apply(s)
		res = res.Then(diff.Compare(res.State, push))
		res = res.Then(diff.Gap{Since: known, From: blind, At: look.At, Reason: "unavailable"}.Apply(res.State))
		res = res.Then(diff.CloseGap(res.State, look.At))
		res = res.Then(diff.Compare(res.State, look))
		if look.Over {
			res = res.Then(diff.End{At: look.At, Reason: "ended"}.Apply(res.State))
		}
		return res
	}
}

func fullRoom(n int) *room {
	r := newRoom("room")
	for i := range n {
		r.join(fmt.Sprint("person", i))
	}
	return r
}

// told holds the events of the meeting itself to what they have to be: each once, in this order.
func told(t *testing.T, p *Publisher, r *room, want ...events.Type) {
	t.Helper()
	var got []events.Type
	for _, m := range fetch(t, p.nc, events.OfMeeting(r.id)) {
		if e := decode(t, m); !e.Type.OfMember() {
			got = append(got, e.Type)
		}
	}
	assert.Equal(t, want, got)
}

func TestNothingIsLostBetweenThePartsOfAJoinedResult(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ events, people int }{{2, 7}, {3, 10}, {25, 30}, {25, 23}, {25, 24}, {25, 49}, {499, 600}} {
		for _, over := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d people, %d events a batch, over: %v", tt.people, tt.events, over), func(t *testing.T) {
				url := startServer(t, func(o *server.Options) { o.JetStreamLimits.MaxBatchSize = 2*tt.events + besides })
				p := open(t, connect(t, url), Options{})
				p.batchLimit.Store(int64(2*tt.events + besides))
				r := fullRoom(tt.people)
				r.over = over
				want, types := tt.people+1, []events.Type{events.MeetingStarted, events.MeetingGap, events.MeetingGap}
				if over {
					want, types = 2*want, append(types, events.MeetingEnded)
				}
				rec, _, err := p.Update(t.Context(), load(t, p, r.id), afterAnOutage(r, "pushed", epoch-40_000))
				require.NoError(t, err)
				assert.Equal(t, uint64(want), rec.State.Sequence)
				assert.Len(t, verify(t, p.nc, p, r.id), want)
				told(t, p, r, types...)
			})
		}
	}
}

// TestWhoeverStopsBetweenThePartsOfAJoinedResultGoesOn stores the first steps, as a process does
// that dies then, and lets another compare the same again.
func TestWhoeverStopsBetweenThePartsOfAJoinedResultGoesOn(t *testing.T) {
	t.Parallel()
	const perBatch = 5
	url := startServer(t, func(o *server.Options) { o.JetStreamLimits.MaxBatchSize = 2*perBatch + besides })
	nc := connect(t, url)
	one, two := open(t, nc, Options{}), open(t, nc, Options{})
	one.batchLimit.Store(2*perBatch + besides)
	two.batchLimit.Store(2*perBatch + besides)
	for stored := 1; ; stored++ {
		r := fullRoom(12)
		r.id = fmt.Sprint("room-", stored)
		r.over = true
		compare := afterAnOutage(r, "pushed", epoch-40_000)
		base := load(t, one, r.id)
		steps := compare(base.State).Steps(perBatch)
		if stored == len(steps) {
			break
		}
		for _, step := range steps[:stored] {
			var err error
			base, err = one.commitStep(t.Context(), base, step)
			require.NoError(t, err)
		}
		rec, _, err := two.Update(t.Context(), load(t, two, r.id), compare)
		require.NoError(t, err)
		assert.Equal(t, diff.Ended, rec.State.Phase)
		assert.Len(t, verify(t, nc, two, r.id), 26)
		told(t, two, r, events.MeetingStarted, events.MeetingGap, events.MeetingGap, events.MeetingEnded)
	}
}

func TestAResultWhoseStepsDoNotFitTogetherIsRefused(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	p.batchLimit.Store(5)
	base := load(t, p, "room")
	res := diff.Compare(base.State, fullRoom(7).snapshot())
	res.Events = append([]events.Event{meetingEvent("room", events.MeetingStarted)}, res.Events...)
	_, err := p.Commit(t.Context(), base, res)
	require.ErrorContains(t, err, "commit: meeting room")
	assert.Empty(t, fetch(t, p.nc, ">"))
}
