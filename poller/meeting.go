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

// meeting is an entry of the table: a meeting that this replica looks at, or a guest, which belongs
// to another replica but has something to be stored or looked at here. It is part of the table: all
// fields but id and shard are read and changed under its lock.
type meeting struct {
	id    string
	due   moment
	began moment // of the last look
	// End as told by a push, Unix milliseconds, or endUnknown; 0 without such a push.
	closed int64
	idle   chan struct{} // closed when it is no longer busy; nil while nothing waits for that
	inbox  []*entry      // what is to be stored
	left   []diff.Row    // of pushes that told that somebody left, and did not decide it; see keepLeft
	record diff.Record   // the newest we know of; its state is nil while that is not in memory
	brief  brief         // of record
	progress

	place           int32 // in its queue; -1 while not queued
	kept            int32 // place in locked.kept; -1 while the state is not in memory
	size            int32 // roughly the bytes of the state in memory
	claims          int32 // callers that wait for it to be idle; it is not queued meanwhile
	shard           uint8
	asksInARow      uint8 // looks not long after one another that pushes asked for
	read            bool  // its state was read
	watched         bool  // as of the newest state we know of
	busy            bool  // a worker looks at it, or Unwatch works on it
	storing         bool  // a goroutine empties the inbox
	asked           bool  // a push or a person asked for a look
	pressed         bool  // a person asked, and waits
	endSuspected    bool  // something suggests that the meeting is over
	retryAsked      bool  // a guest whose look was asked for and failed
	leaving         bool  // Unwatch works on it
	last            bool  // in locked.lasts instead of locked.queue
	mustReread      bool  // storing failed, and it is not known what is stored
	maybeLost       bool  // see suspectLoss
	lossUnannounced bool  // a loss that is yet to be announced
	losses          int32 // how often a loss was noticed
	// Of the last loss, Unix milliseconds; 0 once a look has announced everything again.
	lostAt int64
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
	// The last look or, before the first, since when there should have been one.
	lastSeen diff.LookTime
	// End of the last list that was read and stored, Unix milliseconds; 0 before the first.
	lastLook int64
	// Of the last state that was in memory: a look that changes nothing else is not stored.
	lookedAt   int64
	interval   time.Duration // between looks, at present
	listDue    moment
	infoDue    moment
	checkDue   moment // when the meeting was not asked about in any way for too long
	pace       pace.Meeting
	pages      int32      // calls that the last list took
	bias       int32      // head-count less people announced as present, when both were known
	attended   int32      // people who ever attended, as counted at the same time as bias
	infoPutOff uint8      // information calls put off in a row, as too many were under way
	biased     bool       // bias and attended are known
	peeks      uint8      // routine looks in a row that read the head-count only
	certain    bool       // the last list was complete
	away       bool       // no replica looked at the meeting since lastSeen
	exception  *exception // nil while all is well
}

// exception is what is known of a meeting that fails or ends; most meetings have none. It is
// shared, and so never changed.
type exception struct {
	trouble      string // of the last list, as the reason of a gap; empty when it was read
	failures     int    // lists in a row that could not be read or stored
	lastError    string // of the last look, or of the other call if that has not succeeded since
	listError    string // of the last list; empty when it was read and stored
	infoFailures int    // in a row
	infoError    string // of the last information call; empty when it succeeded
	notFound     moment // first of the reads in a row that did not find the meeting; 0 for none
	closing      int64  // meeting.closed, taken over by a look that has not decided yet
	closeTried   moment // first attempt to read the list because of closing; 0 before
	ending       moment // when we learnt that the meeting is over; 0 while it is not
	endTime      int64  // of the meeting, Unix milliseconds; 0 when not known
	why          string // the reason of the end
}

// exceptions returns the exception, or an empty one.
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

// wanted tells whether the meeting is to be looked at even if it is not ours.
func (m *meeting) wanted() bool { return m.asked || m.endSuspected || m.retryAsked || m.ends() }

// look is one look at a meeting, from when the meeting is marked busy until it is released. Only
// one goroutine works with it.
type look struct {
	m          *meeting
	id         string
	record     diff.Record      // without a state if that has to be read first
	learnt     diff.Description // by the information call, and not stored yet
	mustReread bool             // storing failed, and it is not known what is stored
	losses     int32            // of the meeting, when record was taken
	routine    bool             // due by the schedule, not asked for
	asked      bool
	onRequest  bool          // a push or a person asked for it, now or for one before that failed
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

// urgency is why the look makes calls.
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

// closes tells whether the meeting is over, or a push says that it is.
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

// givesUpList tells whether it makes no sense to wait any longer for a list that failed with err:
// the meeting was not found twice, or it has been over, or said to be over, for endPatience. It
// notes when the meeting was not found first.
func (m *look) givesUpList(err error, now moment) bool {
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

// describe keeps what the information call says of the meeting, if that is news.
func (m *look) describe(info Info) {
	d := diff.Description{
		Title: info.Title, CreatorID: info.CreatorID, CreatorNick: info.CreatorNick, StartTime: info.StartTime,
	}
	if s := m.record.State; s.Describe(d) != s {
		m.learnt = d
	}
}
