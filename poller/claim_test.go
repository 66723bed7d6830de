package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// TestClaimGivenUpAsTheLookEnds has a look end while the caller that waits for it has just given
// up, but has not said so yet: nobody but the one who gives up can queue the meeting then.
func TestClaimGivenUpAsTheLookEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := New(nil, nil, Options{})
		require.NoError(t, err)
		var m *meeting
		p.table.With(func(tab *locked) {
			tab.hold(^shardSet(0))
			tab.resume(diff.Record{State: diff.New("m").WithPhase(diff.Watched), Revision: 1}, [events.Shards]time.Time{})
			tab.open()
			l, _ := tab.next()
			require.NotNil(t, l)
			m = l.m
		})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := p.acquire(ctx, "m")
			result <- err
		}()
		synctest.Wait()

		p.table.With(func(tab *locked) {
			cancel() // decides what acquire has waited for; it goes on once it has the table
			m.busy = false
			tab.enqueue(m, p.now()+time.Minute)
			assert.Negative(t, m.place, "it is left to the one who waits")
			close(m.idle)
			m.idle = nil
		})

		require.ErrorIs(t, <-result, context.Canceled)
		assert.Zero(t, m.place, "in the queue")
		assert.Zero(t, m.claims)
		assert.Equal(t, p.now()+time.Minute, m.due)
	})
}

// TestTheFirstLookReadsTheList also when the meeting is still in the table from when it was watched
// before, with its list due later.
func TestTheFirstLookReadsTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := New(nil, nil, Options{})
		require.NoError(t, err)
		p.table.With(func(tab *locked) {
			tab.hold(^shardSet(0))
			tab.resume(diff.Record{State: diff.New("m").WithPhase(diff.Watched), Revision: 1}, [events.Shards]time.Time{})
			tab.open()
			m := tab.meetings["m"]
			tab.unqueue(m)
			m.listDue = tab.now() + time.Minute
			tab.queueFirstLook("m", true)
			l, _ := tab.next()
			require.NotNil(t, l)
			assert.LessOrEqual(t, l.listDue, tab.now())
		})
	})
}
