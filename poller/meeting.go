package poller

import (
	"cmp"
	"context"
	"math"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/pace"
)

// forever is a moment that never comes.
const forever moment = math.MaxInt64

// meeting is a meeting in the table: one that is ours to look at, or a guest, which is another replica's but has something
// to be stored or looked at here. It belongs to the table: only who holds its lock reads or changes more than id and shard.
type meeting struct {
	id     string
	due    moment
	began  moment // the last look
	closed int64  // when it ended according to a push, Unix milliseconds, or endUnknown; 0 while none said so
	idle   chan struct{}
	inbox  []*entry    // what is to be stored
	record diff.Record // the newest that is known; without its state while that is not kept in memory
	brief  brief       // of the newest state that is known
	progress

	place           int32 // in a queue; -1 while not queued
	kept            int32 // among the meetings whose states are kept; -1 while it is not
	size            int32 // of the state that is kept, in bytes
	claims          int32 // how many wait to have it busy; it is not queued meanwhile
	shard           uint8
	read            bool  // what is stored of it was read
	watched         bool  // that it is watched is stored, as far as is known
	busy            bool  // somebody looks at it, or begins or stops watching it
	storing         bool  // somebody stores what is in the inbox
	asked           bool  // somebody asked for a look at the list
	endSuspected    bool  // something suggests that it does not go on
	owed            bool  // a guest that was to be looked at, which has failed
	leaving         bool  // being given up
	last            bool  // queued for its last look
	mustReread      bool  // the store failed: what it holds has to be read again
	maybeLost       bool  // what is stored may be older than record: it has to be read again before anything is stored
	lossUnannounced bool  // that what was stored was lost has not been announced
	losses          int32 // how often what was stored was lost
	lostAt          int64 // when that was noticed, Unix milliseconds; 0 once a look has told everything anew
}

// brief is what the table keeps of a state that is not in memory.
type brief struct {
	title, creatorID, creatorNick string
	startTime, startedAt, gapFrom int64
	sequence                      uint64
	active                        int
	titleGiven                    bool
}

func briefOf(s *diff.State) brief {
	return brief{
		title: s.Title, creatorID: s.CreatorID, creatorNick: s.CreatorNick, startTime: s.StartTime,
		startedAt: s.StartedAt, gapFrom: s.GapFrom, sequence: s.Sequence, active: s.Active,
		titleGiven: s.TitleGiven,
	}
}

// progress is what looks have found out about when to look again.
type progress struct {
	lastSeen   diff.LookTime // when the meeting was in sight last: lastLook, or since when we should have looked
	lastLook   int64         // end of the last list that was read and stored, Unix milliseconds; 0 before the first
	lookedAt   int64         // of the last state that was in memory: looks that find nothing new are not stored
	interval   time.Duration // between looks, at present
	listDue    moment
	infoDue    moment
	checkDue   moment // when it is too long that the meeting was asked about in any way
	pace       pace.Meeting
	pages      int32      // calls that the last list took
	bias       int32      // the head-count less those announced as present, when both were asked for together
	attended   int32      // how many had been there at all when they were asked for together
	infoPutOff uint8      // how often in a row there were too many information calls for one more
	biased     bool       // bias and attended are known
	peeks      uint8      // looks in a row at the head-count instead of the list
	certain    bool       // the last list was complete
	away       bool       // nobody looked after the meeting since lastSeen
	exception  *exception // nil while all is well
}

// exception is what is known of a meeting that fails or ends. It is not changed once others can see it.
type exception struct {
	trouble      string // of the last list, in the words of a gap; empty when it was read
	failures     int    // lists in a row that could not be read or stored
	lastError    string // of the last look, or of the other call if that has not succeeded since
	listError    string // of the last list; empty when it was read and stored
	infoFailures int    // in a row
	infoError    string // of the last information call; empty when it succeeded
	notFound     moment // the first of the reads in a row that did not find the meeting; 0 when there is none
	closing      int64  // meeting.closed, of a push that has not been acted on
	closeTried   moment // when the list was first to be read because of it; 0 before
	ending       moment // when we learnt that the meeting is over; 0 before
	endTime      int64  // of the meeting, Unix milliseconds; 0 when not known
	why          string // it is ending
}

// exceptions is what is known of a meeting that fails or ends, also when it does neither.
func (m *meeting) exceptions() exception {
	if m.exception == nil {
		return exception{}
	}
	return *m.exception
}

// ends tells whether the next look is to be the last.
func (m *meeting) ends() bool {
	return m.closed > 0 || m.exception != nil && (m.exception.closing > 0 || m.exception.ending > 0)
}

// unwatched tells whether it is known that the meeting is not watched.
func (m *meeting) unwatched() bool { return m.read && !m.watched }

// wanted tells whether there is a reason to look at the meeting even if it is not ours.
func (m *meeting) wanted() bool { return m.asked || m.endSuspected || m.owed || m.ends() }

// look is what somebody works with who has a meeting busy. Nobody else touches it.
type look struct {
	m          *meeting
	id         string
	record     diff.Record      // without a state if that has to be read first
	learnt     diff.Description // by the information call, and not stored yet
	mustReread bool             // the store failed: what it holds has to be read again
	losses     int32            // of the meeting, when record was taken
	routine    bool             // it is due, and nobody asked for it
	asked      bool
	owed       bool          // somebody asked for something, now or before it failed
	leaving    bool          // the meeting is being given up
	begun      bool          // a call was made
	listRead   diff.LookTime // when the list that is being stored had been read
	progress
	exception
}

// calling returns the context of the look's next call.
func (m *look) calling(ctx context.Context) context.Context {
	if m.begun {
		ctx = Continue(ctx)
	}
	m.begun = true
	return withUrgency(ctx, m.urgency())
}

// urgency is why calls are made.
func (m *look) urgency() urgency {
	switch {
	case m.leaving || m.closes():
		return lastLook
	case m.asked:
		return asked
	default:
		return routine
	}
}

// closes tells whether the meeting is over, or a push says so.
func (m *look) closes() bool { return m.ending > 0 || m.closing > 0 }

// plan says which calls are due.
func (m *look) plan(now moment) (list, info bool) {
	list, info = m.listDue <= now, m.infoDue <= now
	if !list && !info && m.checkDue <= now {
		info = m.infoFailures == 0
		list = !info && m.failures == 0
	}
	return list, info
}

// next is when a call is due again. A call that keeps failing is left to its own pace.
func (m *look) next() moment {
	if m.closes() {
		return m.listDue
	}
	due := min(m.listDue, m.infoDue)
	if m.failures == 0 || m.infoFailures == 0 {
		due = min(due, m.checkDue)
	}
	return due
}

// hopeless tells whether the list that failed with err is not to be waited for any longer: the meeting was not found
// twice, or it is over, or said to be, and its list cannot be read. It takes note of the first time that the meeting was not found.
func (m *look) hopeless(err error, now moment) bool {
	trouble, upstream := troubleOf(err)
	if !upstream {
		return false
	}
	if trouble == NotFound && m.notFound == 0 {
		m.notFound = now
	}
	since := cmp.Or(m.ending, m.closeTried)
	return trouble == NotFound && now-m.notFound >= recheckAfter || since > 0 && now-since >= endPatience
}

// describe takes note of what the information call says of the meeting, if that is news.
func (m *look) describe(info Info) {
	d := diff.Description{
		Title: info.Title, CreatorID: info.CreatorID, CreatorNick: info.CreatorNick, StartTime: info.StartTime,
	}
	if s := m.record.State; s.Describe(d) != s {
		m.learnt = d
	}
}
