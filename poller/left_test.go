package poller_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// TestWhatPushesToldIsUsedWhenThereIsNoList has somebody leave by two devices, and the meeting end
// while no list can be read.
func TestWhatPushesToldIsUsedWhenThereIsNoList(t *testing.T) {
	for name, test := range map[string]struct {
		pushes []poller.Notice
		left   int64 // seconds
	}{
		"both devices":     {[]poller.Notice{leavePush("m", "ann", 5, 20), leavePush("m", "ann", 8, 30)}, 30},
		"in another order": {[]poller.Notice{leavePush("m", "ann", 8, 30), leavePush("m", "ann", 5, 20)}, 30},
		"one device":       {[]poller.Notice{leavePush("m", "ann", 5, 20)}, 50},
		"one device twice": {[]poller.Notice{leavePush("m", "ann", 5, 20), leavePush("m", "ann", 5, 20)}, 50},
		"nothing":          {nil, 50},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.sleep(2 * time.Second)
				w.source.onList(list(present("ann", 5), present("ann", 8)))
				w.sleep(8 * time.Second)
				w.watch("m")
				w.sleep(2 * time.Second)
				w.source.onList(failList(trouble(poller.Unavailable)))
				w.source.onInfo(failInfo(trouble(poller.Unavailable)))
				w.sleep(40 * time.Second)
				for _, n := range test.pushes {
					w.push(n)
				}
				w.push(closedAt("m", 50))
				w.sleep(2 * time.Minute)
				require.False(t, w.watched("m"))
				require.Len(t, w.store.events("m"), 2)
				for _, e := range w.store.list() {
					if e.Type == events.Left {
						assert.Equal(t, second(test.left), e.Member.LeaveTime)
					}
				}
			})
		})
	}
}
