package poller_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// slow is a poller whose looks are an hour apart, so that what happens sooner is the pushes' doing.
var slow = poller.Options{MinInterval: time.Hour}

func joinPush(id, who string, at int64) poller.Notice {
	return poller.Notice{ConferenceID: id, Time: second(at), Rows: []diff.Row{present(who, at)}}
}

func leavePush(id, who string, joined, left int64) poller.Notice {
	return poller.Notice{ConferenceID: id, Time: second(left), Rows: []diff.Row{gone(who, joined, left)}}
}

func (w *world) push(n poller.Notice) {
	w.Helper()
	require.NoError(w, w.poller.Notice(w.ctx, n))
}

func TestAPushIsStoredWhenNoticeReturns(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		lists := len(w.source.listCalls("m"))
		w.push(joinPush("m", "ann", 60))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
		assert.Equal(t, events.ViaPush, w.store.list()[len(w.store.list())-1].Member.Via)
		w.sleep(time.Second)
		assert.Len(t, w.source.listCalls("m"), lists, "a join needs no look")
		_, state, err := w.poller.Meeting(w.ctx, "m")
		require.NoError(t, err)
		assert.Equal(t, 1, state.Active)

		w.push(joinPush("m", "ann", 60))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"), "the same push again")
		w.source.onList(list(present("ann", 60)))
		w.sleep(3 * time.Hour)
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"), "the look adds nothing")
		w.push(leavePush("m", "ann", 60, 10_000))
		assert.Equal(t, []string{"1 joined ann", "2 left ann"}, w.store.events("m"), "one row in the last list")
	})
}

func TestAPushThatProvesNothingAsksForALook(t *testing.T) {
	for name, n := range map[string]poller.Notice{
		"a guest":                {ConferenceID: "m", Time: second(60), Look: true},
		"an end of somebody new": leavePush("m", "bob", 10, 50),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, slow, func(w *world) {
				w.watch("m")
				w.sleep(time.Minute)
				w.source.onList(list(gone("bob", 10, 50), diff.Row{UserNick: "Guest", JoinTime: second(55), Status: diff.StatusActive}))
				w.push(n)
				w.sleep(5 * time.Second)
				assert.Len(t, w.store.events("m"), 3, "within five seconds")
			})
		})
	}
}

func TestPushesBeginToWatch(t *testing.T) {
	t.Run("a meeting nobody knew", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.source.onList(list(present("ann", 0), present("bob", 1)))
			w.push(joinPush("m", "ann", 0))
			assert.True(t, w.watched("m"))
			assert.Contains(t, w.store.events("m"), "1 joined ann")
			assert.Equal(t, events.MeetingStarted, w.store.list()[0].Type, "first")
			w.sleep(0)
			assert.Contains(t, w.store.events("m"), "2 joined bob", "a first look at once")
		})
	})
	t.Run("created", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.push(poller.Notice{ConferenceID: "m", Scene: poller.Created, Time: second(1), Description: diff.Description{
				Title: "Weekly", CreatorID: "ann", CreatorNick: "Ann", StartTime: second(1),
			}})
			assert.Equal(t, []string{"started"}, w.store.life("m"))
			started := w.store.list()[0].Meeting
			assert.Equal(t, "Weekly", started.Title)
			assert.Equal(t, "ann", started.CreatorID)
			assert.Equal(t, second(1), started.StartTime)
			w.sleep(0)
			assert.Len(t, w.source.listCalls("m"), 1)
		})
	})
	t.Run("closed", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(1)})
			assert.False(t, w.watched("m"))
		})
	})
	t.Run("somebody stopped watching it", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.watch("m")
			w.sleep(time.Second)
			require.NoError(t, w.poller.Unwatch(w.ctx, "m"))
			w.push(joinPush("m", "ann", 10))
			assert.False(t, w.watched("m"))
			assert.Empty(t, w.store.events("m"))
		})
	})
}

// TestLatePushesBringNothingBack sends pushes of what is over.
func TestLatePushesBringNothingBack(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onInfo(func(context.Context, string) (poller.Info, error) {
			return poller.Info{Ended: true, EndTime: second(60)}, nil
		})
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(60)})
		w.sleep(3 * time.Second)
		require.False(t, w.watched("m"))
		before := w.store.events("m")
		for _, late := range []poller.Notice{
			joinPush("m", "ann", 0), leavePush("m", "ann", 0, 59),
			{ConferenceID: "m", Scene: poller.Closed, Time: second(60)},
			{ConferenceID: "m", Scene: poller.Created, Time: second(0), Description: diff.Description{StartTime: second(0)}},
			{ConferenceID: "m", Time: second(58), Look: true},
		} {
			w.push(late)
			assert.False(t, w.watched("m"))
		}
		assert.Equal(t, before, w.store.events("m"))

		w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil })
		w.source.onList(list(gone("ann", 0, 60), present("ann", 90)))
		w.push(joinPush("m", "ann", 90))
		assert.True(t, w.watched("m"), "somebody joined after the end")
		w.sleep(time.Second)
		assert.Equal(t, append(before, "3 rejoined ann"), w.store.events("m"), "the numbers go on")
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(50)})
		w.sleep(10 * time.Second)
		assert.True(t, w.watched("m"), "an older end")
	})
}

// TestAPushDuringALook lets a push come while a list is under way that does not show it yet.
func TestAPushDuringALook(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		w.sleep(10 * time.Second)
		w.source.onList(func(ctx context.Context, id string) (poller.List, error) {
			rows := []diff.Row{{UnionID: "ann", UserNick: "ann", Status: diff.StatusCalling}}
			w.source.onList(list(present("ann", 10)))
			time.Sleep(100 * time.Millisecond) // synthetic: the call is under way
			require.NoError(t, w.poller.Notice(ctx, joinPush("m", "ann", 10)))
			return poller.List{Rows: rows, Certain: true}, nil
		})
		w.sleep(10 * time.Minute)
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
	})
}

func TestNoticeFailsWhenItCannotStore(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		lost := errors.New("NATS is away")
		w.store.on(hooks{beforeCommit: func(string) error { return lost }})
		require.ErrorIs(t, w.poller.Notice(w.ctx, joinPush("m", "ann", 1)), lost)
		w.store.on(hooks{})
		w.push(joinPush("m", "ann", 1))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
		require.ErrorIs(t, w.poller.Notice(w.ctx, joinPush("not an id", "ann", 1)), events.ErrConferenceID)
	})
}

func TestNoticeGivesUpInTime(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		held := make(chan struct{})
		w.store.on(hooks{beforeCommit: func(string) error { <-held; return nil }})
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, w.poller.Notice(ctx, joinPush("m", "ann", 1)), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		w.store.on(hooks{})
		close(held)
		w.sleep(0)
		w.push(joinPush("m", "ann", 1))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"), "sent again, it is stored once")
	})
}

// TestPushesOfOneMeetingAreStoredTogether sends many at once: what waits is stored as one.
func TestPushesOfOneMeetingAreStoredTogether(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		commits := 0
		w.store.on(hooks{beforeCommit: func(string) error {
			commits++
			time.Sleep(5 * time.Millisecond) // synthetic: what a commit takes
			return nil
		}})
		const people = 300
		done := make(chan error, people)
		for i := range people {
			go func() {
				done <- w.poller.Notice(w.ctx, joinPush("m", string(rune('a'+i%26))+string(rune('a'+i/26)), 1))
			}()
		}
		for range people {
			require.NoError(t, <-done)
		}
		assert.Len(t, w.store.events("m"), people)
		assert.Less(t, commits, 5)
	})
}

// TestAStopLosesNoPush stops while one is being stored, and hands in another before the last
// request is served.
func TestAStopLosesNoPush(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.stop()
		served := make(chan struct{})
		opts := slow
		opts.Served = served
		w.run(opts)
		<-w.poller.Ready()
		w.watch("m")
		w.sleep(time.Minute)
		w.store.on(hooks{beforeCommit: func(string) error {
			time.Sleep(300 * time.Millisecond) // synthetic: what a commit takes
			return nil
		}})
		stored := make(chan error, 2)
		push := func(who string) { stored <- w.poller.Notice(w.Context(), joinPush("m", who, 60)) }
		go push("ann")
		w.sleep(100 * time.Millisecond)
		stopped := make(chan struct{})
		go func() { w.stop(); close(stopped) }()
		w.sleep(400 * time.Millisecond)
		go push("bob")
		w.sleep(100 * time.Millisecond)
		close(served)
		<-stopped
		require.NoError(t, <-stored)
		require.NoError(t, <-stored)
		assert.Equal(t, []string{"1 joined ann", "2 joined bob"}, w.store.events("m"))
		require.ErrorIs(t, w.poller.Notice(w.Context(), joinPush("m", "cyd", 61)), poller.ErrStopping)
	})
}

// TestAStopDoesNotWaitForAStoreThatHangs for long.
func TestAStopDoesNotWaitForAStoreThatHangs(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		w.store.on(hooks{beforeCommit: func(string) error {
			time.Sleep(3 * time.Second) // synthetic
			return nil
		}})
		failed := make(chan error, 1)
		go func() { failed <- w.poller.Notice(w.Context(), joinPush("m", "ann", 60)) }()
		w.sleep(time.Second)
		w.stop()
		require.ErrorIs(t, <-failed, context.Canceled)
		assert.Empty(t, w.store.events("m"))
	})
}

func TestCheckEnd(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onInfo(func(context.Context, string) (poller.Info, error) {
			return poller.Info{Ended: true, EndTime: second(61)}, nil
		})
		w.poller.CheckEnd("m")
		w.poller.CheckEnd("another")
		w.sleep(4 * time.Second)
		assert.Equal(t, []string{"started", "ended ended"}, w.store.life("m"))
	})
}

// TestPushesSteerPolls compares the looks at a meeting whose pushes are alive with one without
// pushes, and with one whose pushes get lost.
func TestPushesSteerPolls(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("pushed", "silent", "lossy")
		w.sleep(time.Minute)
		before := w.source.reads()
		var rows []diff.Row
		for i := range int64(10) {
			who := string(rune('a' + i))
			rows = append(rows, present(who, 100*i))
			now := slices.Clone(rows)
			w.source.onList(func(_ context.Context, id string) (poller.List, error) {
				if id == "silent" {
					return poller.List{Certain: true}, nil
				}
				return poller.List{Rows: now, Certain: true}, nil
			})
			w.push(joinPush("pushed", who, 100*i))
			w.sleep(100 * time.Second)
		}
		after := w.source.reads()
		pushed, silent, lossy := after["pushed"]-before["pushed"], after["silent"]-before["silent"], after["lossy"]-before["lossy"]
		assert.Greater(t, lossy, 2*silent, "what no push announced speeds looks up")
		assert.Less(t, pushed, 2*silent, "what pushes announce does not")
	})
}
