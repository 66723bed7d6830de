package poller_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// closedAt is a push that says that a meeting was over at a second; 0 leaves open when.
func closedAt(id string, at int64) poller.Notice {
	n := poller.Notice{ConferenceID: id, Scene: poller.Closed}
	if at > 0 {
		n.Time = second(at)
	}
	return n
}

// endsAt is an information call by which the meeting goes on, or ended at a second.
func endsAt(ended int64) infoFunc {
	return func(context.Context, string) (poller.Info, error) {
		return poller.Info{Ended: ended > 0, EndTime: second(ended)}, nil
	}
}

var (
	goesOn   = endsAt(0)
	failing  = failInfo(trouble(poller.Unavailable))
	usedUp   = failInfo(trouble(poller.Exhausted))
	overAt71 = endsAt(71)
)

// toCome is a second that is yet to come.
const toCome = 7200

// evidence is what a push meets that says that a meeting is over, after at least 90 seconds.
type evidence struct {
	end   int64 // as the push says; 0 when it says nothing of it
	list  listFunc
	info  infoFunc
	infos int   // information calls that follow
	ended int64 // when the meeting ended by its state; 0 when it goes on, -1 when that is not known
}

// untilAsked waits for the next information call that is due, and until a look that is asked for
// would be made at once.
func (w *world) untilAsked() {
	before := w.source.infoCount()
	w.until(time.Minute, "an information call", func() bool { return w.source.infoCount() > before })
	w.sleep(4 * time.Second)
}

var evidences = map[string]evidence{
	"all have left":                          {72, list(gone("ann", 0, 71), gone("bob", 61, 65)), goesOn, 0, 72},
	"the list lags behind":                   {72, list(present("ann", 0), present("bob", 71)), goesOn, 0, 72},
	"the list lags behind, uncertain":        {72, uncertain(present("ann", 0)), goesOn, 0, 72},
	"the list knows no times":                {72, list(present("ann", 0), diff.Row{UnionID: "bob", Status: diff.StatusActive}), goesOn, 0, 72},
	"somebody came and went after it":        {72, list(gone("ann", 0, 71), gone("bob", 75, 76)), goesOn, 0, 76},
	"somebody came after it":                 {72, list(gone("ann", 0, 71), present("bob", 73)), goesOn, 1, 0},
	"somebody came after it, uncertain list": {72, uncertain(present("bob", 73)), goesOn, 1, 0},
	"somebody came, but it is over":          {60, list(gone("ann", 0, 59), present("bob", 63)), overAt71, 1, 71},
	"somebody came, nobody knows more":       {72, list(gone("ann", 0, 71), present("bob", 73)), failing, 1, 0},
	"somebody came, the calls are used up":   {72, list(gone("ann", 0, 71), present("bob", 73)), usedUp, 1, 0},
	"nobody is listed":                       {72, list(), goesOn, 1, 0},
	"nobody is listed, uncertain":            {72, uncertain(), goesOn, 1, 0},
	"nobody is listed, and it is over":       {72, list(), overAt71, 1, 71},
	"nobody is listed, nobody knows more":    {72, list(), failing, 1, 72},
	"nobody is listed, calls are used up":    {72, list(), usedUp, 1, 72},
	"no time told, all have left":            {0, list(gone("ann", 0, 71)), goesOn, 0, -1},
	"no time told, the list lags behind":     {0, list(present("ann", 0)), goesOn, 0, -1},
	"no time told, nobody is listed":         {0, list(), goesOn, 1, 0},
	"a time to come":                         {toCome, list(present("ann", 0)), goesOn, 0, toCome},
}

// TestClosedAgainstTheEvidence holds pushes that say that a meeting is over against its list, and
// against the information call where the list leaves it open.
func TestClosedAgainstTheEvidence(t *testing.T) {
	for name, e := range evidences {
		t.Run(name, func(t *testing.T) {
			inWorld(t, slow, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(90 * time.Second)
				w.untilAsked()
				w.source.onList(e.list)
				w.source.onInfo(e.info)
				lists, infos := len(w.source.listCalls("m")), w.source.infoCount()
				w.push(closedAt("m", e.end))
				pushed := time.Now().UnixMilli()
				w.sleep(time.Second)
				assert.Len(t, w.source.listCalls("m"), lists+1, "one list decides")
				assert.Equal(t, e.infos, w.source.infoCount()-infos)
				state := w.store.state("m")
				if e.ended == 0 {
					assert.Equal(t, diff.Watched, state.Phase)
					assert.Equal(t, []string{"started"}, w.store.life("m"))
					w.sleep(5 * time.Second)
					assert.Greater(t, len(w.source.listCalls("m")), lists+1, "and is looked at again")
					assert.Equal(t, diff.Watched, w.store.state("m").Phase)
					return
				}
				assert.Equal(t, diff.Ended, state.Phase)
				assert.Equal(t, []string{"started", "ended closed"}, w.store.life("m"))
				assert.Zero(t, state.Active)
				switch {
				case e.ended < 0:
					assert.Zero(t, state.EndTime)
				case e.end == toCome:
					assert.Equal(t, pushed, state.EndTime)
				default:
					assert.Equal(t, second(e.ended), state.EndTime)
				}
			})
		})
	}
}

// TestClosedWhileTheListCannotBeRead stores the end all the same.
func TestClosedWhileTheListCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		limit time.Duration
	}{
		"not found":             {trouble(poller.NotFound), 5 * time.Second},
		"out of order":          {trouble(poller.Unavailable), 90 * time.Second},
		"no permission":         {trouble(poller.Denied), 90 * time.Second},
		"used up for the month": {trouble(poller.Exhausted), 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, slow, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(90 * time.Second)
				w.source.onList(failList(test.err))
				w.source.onInfo(failInfo(test.err))
				w.push(closedAt("m", 72))
				w.until(test.limit, "end", func() bool { return !w.watched("m") })
				assert.Equal(t, []string{"1 joined ann", "2 meeting_ended ann"}, w.store.events("m"))
				assert.Equal(t, second(72), w.store.state("m").EndTime)
				assert.Contains(t, w.store.life("m"), "ended closed")
			})
		})
	}
}

// TestAnEarlierEndWhileTheListCannotBeRead is told by a push from before the meeting was watched.
func TestAnEarlierEndWhileTheListCannotBeRead(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.sleep(time.Minute)
		w.source.onList(list(present("ann", 50)))
		w.watch("m")
		w.sleep(30 * time.Second)
		w.source.onList(failList(trouble(poller.Unavailable)))
		w.source.onInfo(failing)
		w.push(closedAt("m", 40))
		w.sleep(3 * time.Minute)
		assert.True(t, w.watched("m"))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
	})
}

// TestClosedDuringABlock is decided when calls can be made again.
func TestClosedDuringABlock(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m", "over")
		w.sleep(90 * time.Second)
		w.source.onList(failList(troubleFor(poller.Throttled, blockTime)))
		w.push(closedAt("m", 72))
		w.push(closedAt("over", 72))
		w.sleep(time.Second)
		w.source.onList(func(ctx context.Context, id string) (poller.List, error) {
			if id == "over" {
				return list(gone("ann", 0, 70))(ctx, id)
			}
			return list(present("ann", 0), present("bob", 80))(ctx, id)
		})
		w.sleep(blockTime + time.Minute)
		assert.True(t, w.watched("m"))
		assert.False(t, w.watched("over"))
		assert.Equal(t, []string{"1 joined ann", "2 left ann"}, w.store.events("over"))
	})
}

// wentOn is a meeting that goes on after a push said three times that it was over at 72, until
// everybody has left at 110.
func (w *world) wentOn() {
	w.Helper()
	w.source.onList(list(gone("ann", 0, 70), present("bob", 80)))
	w.watch("m")
	w.sleep(90 * time.Second)
	for range 3 {
		w.push(closedAt("m", 72))
		w.sleep(10 * time.Second)
		assert.True(w, w.watched("m"))
	}
	require.NotContains(w, w.store.events("m"), "3 meeting_ended bob")
	w.source.onList(list(gone("ann", 0, 70), gone("bob", 80, 110)))
}

// TestAnOldPushAfterTheMeetingGoesOn is sent again when the meeting has been opened again, and the
// push of the end comes while the list is read because of the old one.
func TestAnOldPushAfterTheMeetingGoesOn(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.wentOn()
		w.source.onList(slowList(time.Second, func() []diff.Row {
			return []diff.Row{gone("ann", 0, 70), gone("bob", 80, 110)}
		}))
		w.push(closedAt("m", 72))
		w.sleep(100 * time.Millisecond)
		w.push(closedAt("m", 111))
		w.push(closedAt("m", 72))
		w.sleep(5 * time.Second)
		assert.False(t, w.watched("m"))
		assert.Equal(t, second(111), w.store.state("m").EndTime)
		assert.Equal(t, []string{"started", "ended closed"}, w.store.life("m"))
	})
}

// TestAnOldPushAloneEndsNothingBeforeItWasOver has the meeting end when the last one left, as who
// came after a meeting's end was in it afterwards. No push of theirs that comes late brings it
// back.
func TestAnOldPushAloneEndsNothingBeforeItWasOver(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.wentOn()
		w.push(closedAt("m", 72))
		w.sleep(5 * time.Second)
		assert.False(t, w.watched("m"))
		assert.Equal(t, second(110), w.store.state("m").EndTime)
		w.push(poller.Notice{ConferenceID: "m", Time: second(80), Rows: []diff.Row{present("bob", 80)}})
		w.push(closedAt("m", 111))
		w.sleep(5 * time.Second)
		assert.False(t, w.watched("m"))
		assert.Equal(t, []string{"started", "ended closed"}, w.store.life("m"))
	})
}

// TestTooManyInformationCalls keeps one from deciding: it is asked for later.
func TestTooManyInformationCalls(t *testing.T) {
	opts := slow
	opts.Workers = 2
	inWorld(t, opts, func(w *world) {
		w.watch("m", "hangs")
		w.sleep(90 * time.Second)
		held := make(chan struct{})
		w.source.onInfo(func(ctx context.Context, id string) (poller.Info, error) {
			if id == "hangs" {
				<-held
			}
			return poller.Info{}, errors.Join(ctx.Err())
		})
		w.poller.CheckEnd("hangs")
		w.sleep(5 * time.Second)
		w.push(closedAt("m", 72))
		w.sleep(5 * time.Second)
		assert.True(t, w.watched("m"))
		w.source.onInfo(overAt71)
		close(held)
		w.until(20*time.Second, "end", func() bool { return !w.watched("m") })
		assert.Contains(t, w.store.life("m"), "ended closed")
	})
}

// TestAnEndToComeIsSeenNow takes what the information call says for no more than what is known.
func TestAnEndToComeIsSeenNow(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(90 * time.Second)
		w.source.onInfo(endsAt(7200))
		w.poller.CheckEnd("m")
		w.sleep(5 * time.Second)
		assert.Equal(t, []string{"1 joined ann", "2 meeting_ended ann"}, w.store.events("m"))
		assert.LessOrEqual(t, w.store.state("m").EndTime, time.Now().UnixMilli())
		left := w.store.list()[2].Member
		assert.LessOrEqual(t, left.LeaveTime, time.Now().UnixMilli())
		assert.True(t, left.Inferred)
	})
}
