package bot

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

// announce stores that somebody joined, whom a stream that is gone may have told of, too.
func (w *world) announce(all ...events.Event) {
	w.t.Helper()
	for _, e := range all {
		w.publish(e)
	}
}

// joins are people who join a meeting now.
func (w *world) joins(names ...string) []events.Event {
	var out []events.Event
	for i, name := range names {
		out = append(out, joined("m", name, w.clock.now().Add(time.Duration(i)*time.Millisecond), uint64(i+1)))
		w.joined = append(w.joined, name)
	}
	return out
}

func (w *world) delete() {
	w.t.Helper()
	require.NoError(w.t, w.js.DeleteStream(w.t.Context(), events.Stream))
}

// TestTheStreamIsLost while a robot is told, or between two processes: what is announced anew is
// not told again, and all that happened meanwhile is told, be the stream longer by then or not.
func TestTheStreamIsLost(t *testing.T) {
	for _, restored := range []bool{false, true} {
		for _, running := range []bool{false, true} {
			for _, more := range []int{1, 8} {
				t.Run(strings.Join([]string{yes("restored", restored), yes("running", running), name(more)}, " "), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					rules := w.rules(office)
					p := w.launch("a", rules, -1, false)
					w.ready("office")
					kept := w.joins("Ann")
					w.announce(kept...)
					w.told(0)
					backup := natstest.TakeBackup(t, w.nc)
					lost := w.joins("Bob", "Chris")
					w.announce(lost...)
					w.told(0)
					if !running {
						p.stop()
					}
					w.delete()
					if restored {
						backup.Restore(t, w.nc)
					} else {
						w.makeStream()
						w.announce(kept...)
					}
					w.announce(lost...)
					for i := range more {
						w.announce(w.joins("new" + name(i))...)
					}
					if !running {
						w.launch("b", rules, -1, false)
					}
					w.told(0)
				})
			}
		}
	}
}

func yes(what string, is bool) string {
	if is {
		return what
	}
	return "not " + what
}

// TestABatchIsToldThoughTheStreamIsLost: what waited for more is told, whether it is announced anew
// or not.
func TestABatchIsToldThoughTheStreamIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.launch("a", w.rules(strings.Replace(office, "5ms", "10m", 1)), -1, false)
	w.ready("office")
	all := w.joins("Ann", "Bob")
	w.announce(all...)
	require.Eventually(t, func() bool { return strings.Count(w.log.String(), "verdict=told") == 2 }, patience, time.Millisecond)
	w.delete()
	w.makeStream()
	w.announce(all[1])
	w.announce(w.joins("Chris")...)
	require.Eventually(t, func() bool { return strings.Count(w.log.String(), "verdict=told") == 3 }, patience, time.Millisecond)
	w.clock.ahead.Add(int64(10 * time.Minute))
	w.told(0)
}

// TestTheBucketIsDeleted while robots are told: the process that told them goes on where it was,
// and another process that waits lets it.
func TestTheBucketIsDeleted(t *testing.T) {
	for _, wait := range []bool{false, true} {
		t.Run(yes("waited for", wait), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rules := w.rules(office)
			if wait {
				w.clock.part = 8 // a process that waits has to wait, and the other to be heard of in time
			}
			w.launch("a", rules, -1, false)
			w.ready("office")
			if wait {
				w.launch("b", rules, -1, false)
			}
			for round := range 3 {
				w.announce(w.joins(name(3*round), name(3*round+1))...)
				w.told(0)
				require.NoError(t, w.js.DeleteKeyValue(context.Background(), Bucket))
				w.announce(w.joins(name(3*round + 2))...)
				w.told(0)
			}
			w.delete()
			w.makeStream()
			w.announce(w.joins("last")...)
			w.told(0)
			assert.NotEmpty(t, w.kept("office").Owner)
		})
	}
}

func TestAMemoryIsBounded(t *testing.T) {
	var m memory
	for i := range 3 * remembered {
		m.add(fingerprintOf(name(i)))
		m.add(fingerprintOf(name(i)))
		assert.LessOrEqual(t, len(m.known), remembered)
		assert.True(t, m.has(name(i)))
	}
	assert.Len(t, m.list, remembered)
	assert.False(t, m.has(name(0)))
	assert.True(t, m.has(name(2*remembered)))
}
