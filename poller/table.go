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

// table holds the meetings and everything else that goroutines share. Its fields can only be
// reached by [guarded.Value.With], so the methods of locked run with the lock held.
type table = guarded.Value[locked]

// locked is the table while its lock is held. Nothing that waits, or that calls a source or a
// store, may hold it.
type locked struct {
	*fixed
	running  bool // Run was called
	loaded   bool
	meetings map[string]*meeting
	queue    queue
	lasts    queue           // the meetings whose next look is the last
	wakeAt   moment          // when the scheduler wakes up by itself
	paused   moment          // no look begins before this, except for last looks
	halted   moment          // no last look begins before this
	pausedBy string          // why, as the reason of a gap
	limited  int             // pauses in a row
	storing  context.Context // for what is stored; nil while nothing is accepted

	held     shardSet // shards whose meetings are in the table; see owned
	complete shardSet // of held: all states were read
	covered  shardSet // of held: the gaps before we took over are announced
	// Routine looks under way, which end when their shard is lost.
	looks map[*look]context.CancelFunc
	// Closed when one of looks ends; nil while nothing waits for that.
	lookEnded    chan struct{}
	reopenChecks map[string]reopenCheck // by meeting: ended, but still listed
	// By meeting: the revision of a state that is to be read.
	stale     map[string]uint64
	kept      []*meeting // meetings whose states are in memory
	keptBytes int        // roughly what these states take
	proof     proof      // whether pushes tell of everybody who comes and goes
	lossAt    moment     // when a loss was noticed last; 0 for none
	nextAudit int        // the shard to be audited next
	released  map[string]released
}

// fixed is what a poller and its table have in common. It never changes.
type fixed struct {
	clock
	opts   Options
	log    *slog.Logger
	tick   time.Duration // looks that are not urgent begin on multiples of it
	pacer  *pace.Pacer
	health *health
	// See the constant; a test in real time has less of it.
	shortestGap time.Duration
	wake        chan struct{} // holds a token when the schedule has changed
	news        chan struct{} // holds a token when there is something in stale
}

func newTable(f *fixed) *table {
	return guarded.New(locked{
		fixed: f, meetings: map[string]*meeting{}, looks: map[*look]context.CancelFunc{},
		stale: map[string]uint64{}, reopenChecks: map[string]reopenCheck{}, released: map[string]released{},
	})
}

// moment is a time as the schedule knows it: how long after an hour before the poller was made, by
// a clock that never goes back. 0 is long ago.
type moment = time.Duration

// clock tells the time: by a clock that never goes back, and by the wall clock, which may be set.
type clock struct {
	epoch    time.Time // moment 0
	wallTime func() time.Time
}

func (c clock) now() moment { return time.Since(c.epoch) }

// wall is what the wall clock says.
func (c clock) wall() time.Time { return c.wallTime() }

// lookTime is a look at a meeting now, by which this state is known; nil stands for whatever is
// known.
func (c clock) lookTime(s *diff.State) diff.LookTime {
	out := diff.LookTime{Steady: c.now(), Wall: c.wall().UnixMilli()}
	if s != nil {
		out.Known = s.Mark()
	}
	return out
}

// visit returns a meeting of the table. One that is not in it is added, as a guest, until it is
// known whether it is watched and by which replica.
func (t *locked) visit(conferenceID string) *meeting {
	m, ok := t.meetings[conferenceID]
	if !ok {
		m = t.newMeeting(conferenceID)
		t.meetings[conferenceID] = m
		t.arrange(m, t.now()+guestLinger)
	}
	return m
}

// newMeeting returns a meeting of which every call is due. It is not in the table yet.
func (t *locked) newMeeting(id string) *meeting {
	m := &meeting{
		id: id, shard: uint8(events.Shard(id)), place: -1, kept: -1, progress: progress{interval: t.opts.MinInterval},
	}
	if t.thrifty() { // what it is about a push or the organisation's list tells
		m.infoDue, m.checkDue = t.now()+thriftyInfo, forever
	}
	if r, ok := t.released[id]; ok {
		r.remind(m)
	}
	return m
}

// forget removes a meeting from the table.
func (t *locked) forget(m *meeting) {
	t.unqueue(m)
	t.dropState(m)
	t.pacer.Forget(&m.pace)
	t.health.forget(areaMeeting + m.id)
	delete(t.meetings, m.id)
}

// forgetIfOver removes a meeting that is not watched any more, unless a look or the inbox still
// uses it, which removes it later.
func (t *locked) forgetIfOver(m *meeting) {
	if m.unwatched() && !m.busy && !m.storing && t.meetings[m.id] == m {
		t.forget(m)
	}
}

// mine tells whether this replica looks at the meeting, at this moment.
func (t *locked) mine(m *meeting) bool {
	return t.held.has(m.shard) && (t.opts.Shards == nil || t.opts.Shards.Owns(int(m.shard)))
}

// ours are the watched meetings that this replica looks at.
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

// owned are the shards that this replica has the lease of, at this moment.
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
