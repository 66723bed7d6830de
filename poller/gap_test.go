package poller_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

func TestGap(t *testing.T) {
	for name, kind := range map[string]poller.Trouble{
		"throttled": poller.Throttled, "no_permission": poller.Denied, "unavailable": poller.Unavailable,
		"quota_exhausted": poller.Exhausted,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.watch("m")
				w.sleep(5 * time.Second)
				w.source.onList(failList(trouble(kind)))
				w.source.onInfo(failInfo(trouble(kind)))
				w.sleep(25 * time.Second)
				assert.Equal(t, []string{"started"}, w.store.life("m"), "too short to speak of")
				w.sleep(time.Minute)
				assert.Equal(t, []string{"started", "gap " + name}, w.store.life("m"))
				w.source.onList(list())
				w.source.onInfo(newSource().info)
				w.sleep(10 * time.Minute)
				life := w.store.life("m")
				if assert.Len(t, life, 3, "once it opens, once it closes") {
					assert.Regexp(t, "^gap "+name+" of ", life[2])
				}
				w.sleep(time.Hour)
				assert.Len(t, w.store.life("m"), 3)
			})
		})
	}
}

func TestQuietMeetingHasNoGap(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		w.sleep(5 * time.Hour)
		assert.Equal(t, []string{"started"}, w.store.life("m"))
	})
}

func TestGapOfAMeetingThatWasNeverSeen(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(failList(trouble(poller.Denied)))
		w.watch("m")
		w.sleep(time.Minute)
		assert.Equal(t, []string{"started", "gap no_permission"}, w.store.life("m"))
	})
}

func TestGapEndsWithTheMeeting(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(10 * time.Second)
		w.source.onList(failList(trouble(poller.Unavailable)))
		w.source.onInfo(failInfo(trouble(poller.Unavailable)))
		w.sleep(2 * time.Minute)
		w.source.onList(failList(trouble(poller.NotFound)))
		w.source.onInfo(failInfo(trouble(poller.NotFound)))
		w.sleep(time.Minute)
		life := w.store.life("m")
		if assert.Len(t, life, 4) {
			assert.Equal(t, []string{"started", "gap unavailable"}, life[:2])
			assert.Regexp(t, "^gap unavailable of ", life[2])
			assert.Equal(t, "ended not_found", life[3])
		}
		assert.Equal(t, []string{"1 joined ann", "2 meeting_ended ann"}, w.store.events("m"))
	})
}

func TestGapWhileRollcallWasDown(t *testing.T) {
	for name, test := range map[string]struct {
		down time.Duration
		want []string
	}{
		"for a while":   {10 * time.Minute, []string{"started", "gap down", "gap down of "}},
		"for a restart": {10 * time.Second, []string{"started"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.watch("m")
				w.sleep(time.Hour) // nothing happens: no state says when the last look was
				w.stop()
				w.sleep(test.down)
				w.run(poller.Options{})
				<-w.poller.Ready()
				w.sleep(5 * time.Minute)
				life := w.store.life("m")
				if assert.Len(t, life, len(test.want)) && len(life) == 3 {
					assert.Equal(t, test.want[:2], life[:2])
					assert.Regexp(t, "^gap down of 10m", life[2])
				}
			})
		})
	}
}

// TestGapEndsWhenNobodyIsToLook stops watching a meeting that cannot be looked at.
func TestGapEndsWhenNobodyIsToLook(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(failList(trouble(poller.Unavailable)))
		w.watch("m")
		w.sleep(2 * time.Minute)
		require.NoError(t, w.poller.Unwatch(w.ctx, "m"))
		life := w.store.life("m")
		if assert.Len(t, life, 3) {
			assert.Equal(t, "gap unavailable of 2m0s", life[2])
		}
	})
}

// What goes wrong upstream is the reason of a gap: each kind is among those that gaps are
// documented to have.
func TestEveryTroubleIsTheReasonOfAGap(t *testing.T) {
	named := map[string]bool{}
	for trouble := poller.Unavailable; trouble <= poller.Denied; trouble++ {
		assert.Contains(t, events.Reasons(events.MeetingGap), trouble.String())
		named[trouble.String()] = true
	}
	assert.Len(t, named, int(poller.Denied)+1, "each its own")
}
