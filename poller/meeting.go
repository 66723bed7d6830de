package poller

import (
	"cmp"
	"math"
	"time"

	"github.com/c4342123/rollcall/diff"
)

// moment is a time as the schedule knows it: how long after an hour before the poller was made, by a clock that never
// goes back. 0 is long ago.
type moment = time.Duration

// forever is a moment that never comes.
const forever moment = math.MaxInt64

func (p *Poller) now() moment { return time.Since(p.epoch) }

// meeting is one watched meeting. Whoever has it busy owns everything but the first fields, which Poller.mu guards.
type meeting struct {
	id      string
	due     moment
	began   moment // the last look
	place   int    // in the queue; -1 while not queued
	claims  int    // how many wait to have it busy; it is not queued meanwhile
	busy    bool   // somebody looks at it, or begins or stops watching it
	asked   bool   // somebody asked for a look at the list
	leaving bool   // being given up
	idle    chan struct{}
	pushed  moment      // the last push about it; 0 before the first
	closed  int64       // when it ended according to a push, Unix milliseconds, or untold; 0 while none said so
	doubted bool        // something suggests that it does not go on
	inbox   []*entry    // what is to be stored
	storing bool        // somebody stores what is in the inbox
	known   diff.Record // the newest that is known
	shown   progress    // as of the last look
	state   *diff.State // as of the last look; nil while Watch has not stored it

	record diff.Record
	progress
	doubt bool // the store failed: what it holds has to be read again
	news  bool // record holds a description that is not stored yet

	listDue  moment
	infoDue  moment
	checkDue moment // when it is too long that the meeting was asked about in any way
	notFound moment // the first of the reads in a row that did not find the meeting; 0 when there is none
	closing  int64  // closed, of a push that has not been acted on
	trusting bool   // the last look found nothing that no push had announced
	ending   moment // when we learnt that the meeting is over; 0 before
	endTime  int64  // of the meeting, Unix milliseconds; 0 when not known
	why      string // it is ending

	listError    string // of the last list; empty when it was read and stored
	infoFailures int    // in a row
	infoError    string // of the last information call; empty when it succeeded
	bias         int    // the head-count less those announced as present, when both were asked for together
	biased       bool   // bias is known
}

// progress is what a meeting's status shows of the looks so far.
type progress struct {
	sight     int64         // when the meeting was in sight last: lastLook, or since when we should have looked
	trouble   string        // of the last list, in the words of a gap; empty when it was read
	lastLook  int64         // end of the last list that was read and stored, Unix milliseconds; 0 before the first
	interval  time.Duration // between looks, at present
	failures  int           // lists in a row that could not be read or stored
	lastError string        // of the last look, or of the other call if that has not succeeded since
}

// plan says which calls are due.
func (m *meeting) plan(now moment) (list, info bool) {
	list, info = m.listDue <= now, m.infoDue <= now
	if !list && !info && m.checkDue <= now {
		info = m.infoFailures == 0
		list = !info && m.failures == 0
	}
	return list, info
}

// next is when a call is due again. A call that keeps failing is left to its own pace.
func (m *meeting) next() moment {
	if m.ending > 0 {
		return m.listDue
	}
	due := min(m.listDue, m.infoDue)
	if m.failures == 0 || m.infoFailures == 0 {
		due = min(due, m.checkDue)
	}
	return due
}

// hopeless tells whether the list that failed with err is not to be waited for any longer: the meeting was not found
// twice, or it is over and its list cannot be read. It takes note of the first time that the meeting was not found.
func (m *meeting) hopeless(err error, now moment) bool {
	trouble, upstream := troubleOf(err)
	if !upstream {
		return false
	}
	if trouble == NotFound && m.notFound == 0 {
		m.notFound = now
	}
	return trouble == NotFound && now-m.notFound >= recheckAfter || m.ending > 0 && now-m.ending >= endPatience
}

// describe takes over what the information call says of the meeting. A title stands once there is one: whoever asked
// to watch the meeting may have given it.
func (m *meeting) describe(info Info) {
	s := m.record.State
	next := *s
	next.Title = cmp.Or(s.Title, info.Title)
	next.CreatorID, next.CreatorNick = cmp.Or(info.CreatorID, s.CreatorID), cmp.Or(info.CreatorNick, s.CreatorNick)
	next.StartTime = cmp.Or(info.StartTime, s.StartTime)
	if !sameDescription(s, &next) {
		m.record.State, m.news = &next, true
	}
}

func sameDescription(a, b *diff.State) bool {
	return a.Title == b.Title && a.CreatorID == b.CreatorID && a.CreatorNick == b.CreatorNick && a.StartTime == b.StartTime
}

// described returns s with the description of another state of the meeting.
func described(s, by *diff.State) *diff.State {
	if sameDescription(s, by) {
		return s
	}
	next := *s
	next.Title, next.CreatorID, next.CreatorNick, next.StartTime = by.Title, by.CreatorID, by.CreatorNick, by.StartTime
	return &next
}

// show publishes what the one who looks knows. The caller holds Poller.mu and has the meeting busy.
func (m *meeting) show() {
	m.catchUp()
	m.shown, m.state = m.progress, m.record.State
}
