package poller

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
	"github.com/c4342123/rollcall/poller/pace"
)

// table holds the meetings and everything that goroutines share about them. Only [guarded.Value.With] leads to it:
// whatever is a method of locked is called by who holds the lock.
type table = guarded.Value[locked]

// locked is the table as who holds its lock sees it. What waits, or calls a source or a store, must not hold it.
type locked struct {
	*fixed
	running  bool // Run was called
	loaded   bool
	meetings map[string]*meeting
	queue    queue
	lasts    queue           // of those to be looked at for the last time
	wakeAt   moment          // when the scheduler looks at the queues again by itself
	paused   moment          // no look begins before, but for
	halted   moment          // last looks, which begin no sooner than that
	pausedBy string          // the trouble that holds looks back, in the words of a gap
	limited  int             // pauses in a row
	storing  context.Context // of what is stored; nil while nothing is to be

	held         shardSet                     // whose meetings are ours, or were until a moment ago; see owned
	complete     shardSet                     // of them, those whose states were read
	covered      shardSet                     // of them, those whose gaps from before are announced
	looks        map[*look]context.CancelFunc // under way, that nobody asked for
	lookEnded    chan struct{}                // closed when one of them ends; nil while nobody waits for that
	reopenChecks map[string]reopenCheck       // meetings that are over and still listed
	stale        map[string]uint64            // meetings whose state is to be read, and the revision we heard of
	kept         []*meeting                   // whose states are in memory
	keptBytes    int                          // that these take, roughly
	proof        proof                        // whether pushes tell of all who come and go
	lossAt       moment                       // when a loss was noticed last; 0 while none was
}

// fixed is what a poller and its table have in common, and what never changes.
type fixed struct {
	clock
	opts   Options
	log    *slog.Logger
	tick   time.Duration // looks that are not urgent begin on multiples of it
	pacer  *pace.Pacer
	health *health
	wake   chan struct{} // holds a token when the schedule changed
	news   chan struct{} // holds a token when states are stale
}

func newTable(f *fixed) *table {
	return guarded.New(locked{
		fixed: f, meetings: map[string]*meeting{}, looks: map[*look]context.CancelFunc{},
		stale: map[string]uint64{}, reopenChecks: map[string]reopenCheck{},
	})
}

// moment is a time as the schedule knows it: how long after an hour before the poller was made, by a clock that never
// goes back. 0 is long ago.
type moment = time.Duration

// clock tells the time: by a clock that never goes back, and by the wall clock, which may be set.
type clock struct {
	epoch    time.Time // moment 0
	wallTime func() time.Time
}

func (c clock) now() moment { return time.Since(c.epoch) }

// wall is what the wall clock says.
func (c clock) wall() time.Time { return c.wallTime() }

// sees is that a meeting is looked at now, by whom the state is known.
func (c clock) lookTime(s *diff.State) diff.LookTime {
	out := diff.LookTime{Steady: c.now(), Wall: c.wall().UnixMilli()}
	if s != nil {
		out.Known = s.Mark()
	}
	return out
}

// visit returns the meeting from the table. One that is not in it comes in, until it is known whether it is watched, or
// as a guest.
func (t *locked) visit(conferenceID string) *meeting {
	m, ok := t.meetings[conferenceID]
	if !ok {
		m = t.newMeeting(conferenceID)
		t.meetings[conferenceID] = m
		t.arrange(m, t.now()+guestLinger)
	}
	return m
}

// newMeeting returns a meeting of which every call is due.
func (t *locked) newMeeting(id string) *meeting {
	return &meeting{
		id: id, shard: uint8(events.Shard(id)), place: -1, kept: -1, progress: progress{interval: t.opts.MinInterval},
	}
}

// forget drops a meeting from the table.
func (t *locked) forget(m *meeting) {
	t.unqueue(m)
	t.dropState(m)
	t.pacer.Forget(&m.pace)
	t.health.forget(areaMeeting + m.id)
	delete(t.meetings, m.id)
}

// forgetIfOver forgets a meeting that is not watched any more, unless somebody has it busy, who will find out.
func (t *locked) forgetIfOver(m *meeting) {
	if m.unwatched() && !m.busy && !m.storing && t.meetings[m.id] == m {
		t.forget(m)
	}
}

// mine tells whether a meeting is ours to look at unasked, at this moment.
func (t *locked) mine(m *meeting) bool {
	return t.held.has(m.shard) && (t.opts.Shards == nil || t.opts.Shards.Owns(int(m.shard)))
}

// ours are the watched meetings that are ours to look at.
func (t *locked) ours() iter.Seq[*meeting] {
	shards := t.held & t.owned()
	return func(yield func(*meeting) bool) {
		for _, m := range t.meetings {
			if m.watched && shards.has(m.shard) && !yield(m) {
				return
			}
		}
	}
}

// owned are the shards that are ours at this moment.
func (f *fixed) owned() shardSet {
	if f.opts.Shards == nil {
		return ^shardSet(0)
	}
	var s shardSet
	for shard := range events.Shards {
		if f.opts.Shards.Owns(shard) {
			s |= 1 << shard
		}
	}
	return s
}
