package poller

import (
	"context"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

// Scene is what a push says has happened.
type Scene uint8

const (
	// Members says that members came or went.
	Members Scene = iota
	// Created says that a meeting began.
	Created
	// Closed says that a meeting is over.
	Closed
)

// sameClock is how far, in milliseconds, DingTalk's clock and ours may disagree.
const sameClock = 5_000

// untold stands for the end of a meeting at a time that the push does not tell.
const untold = 1

// Notice is what a verified push says of one meeting.
type Notice struct {
	ConferenceID string
	Scene        Scene
	Time         int64 // when it happened, Unix milliseconds; 0 when not known
	Description  diff.Description
	// Rows are the devices the push names, as rows of a member list.
	Rows []diff.Row
	// Look says that the push says too little: a look at the list is to decide.
	Look bool
	// Gone says that the one whom the push cannot name has left: that tells of no meeting that goes on.
	Gone bool
}

// Notice acts on a push: what it proves is stored when Notice returns, what it does not prove is looked at soon. A push
// about a meeting that is not watched begins to watch it, unless somebody has stopped watching it or the push is older
// than the meeting's end. The same push twice changes nothing. It waits for nothing but the store, whether or not looks
// can be made and the stored states have been read.
//
// Errors: [events.ErrConferenceID], [ErrStopping], those of the [Store], and the cause of ctx. After one of the last two
// the push may or may not be stored: it is to be sent again.
func (p *Poller) Notice(ctx context.Context, n Notice) error {
	if err := events.CheckConferenceID(n.ConferenceID); err != nil {
		return err
	}
	at, began := p.wall().UnixMilli(), false
	wanted := func(s *diff.State) bool { return n.wants(s, at) }
	b := beginning{description: n.Description, wanted: wanted, atOnce: len(n.Rows) > 0}
	m := guarded.Get(p.table, func(t *locked) *meeting { return t.visit(n.ConferenceID) })
	e, err := p.submit(ctx, m, func(s *diff.State) (res diff.Result) {
		began, res = b.begin(s, at)
		if len(n.Rows) > 0 {
			res = res.Then(n.compare(res.State, at))
		}
		return res
	})
	if err != nil {
		return err
	}
	if s := e.record.State; s.Phase != diff.Watched || !s.Known() {
		return nil
	}
	switch {
	case n.Scene == Closed:
		p.close(n.ConferenceID, n.Time)
	case began:
		p.table.With(func(t *locked) { t.expect(n.ConferenceID) })
	case n.Look || e.result.LookNow:
		p.ask(n.ConferenceID, func(m *meeting) { m.asked = true })
	}
	return nil
}

// wants tells whether a meeting that is not watched is to be, because of this push.
func (n Notice) wants(s *diff.State, now int64) bool {
	switch {
	case n.Scene == Closed:
		return false
	case s.Phase == diff.Unwatched:
		return n.Scene == Created && n.newer(s.StartTime)
	case s.Phase == diff.Ended:
		return n.newer(endOf(s, now))
	default:
		return true
	}
}

// newer tells whether what the push is about began after t: a push that comes late or twice brings no meeting back.
func (n Notice) newer(t int64) bool {
	if n.Scene == Created {
		return max(n.Description.StartTime, 0) > t
	}
	for i := range n.Rows {
		r := &n.Rows[i]
		if r.Status == diff.StatusActive && (r.JoinTime > t || r.JoinTime == 0 && n.Time > t+sameClock) {
			return true
		}
	}
	return n.Look && !n.Gone && n.Time > t+sameClock
}

// endOf is when a meeting that is over ended: as DingTalk told or, if it did not, when somebody was last known to be in it.
// What is later than now was told by a clock that is ahead, and would keep a meeting from being watched again until then.
func endOf(s *diff.State, now int64) int64 {
	if s.EndTime > 0 {
		return s.EndTime
	}
	at := past(s.LookedAt, now)
	for person := range s.People() {
		at = max(at, past(person.JoinTime, now), past(person.LeaveTime, now))
	}
	return at
}

// past is a time that is not after now, or 0.
func past(t, now int64) int64 {
	if t > now {
		return 0
	}
	return t
}

// compare is the push as a partial snapshot.
func (n Notice) compare(s *diff.State, at int64) diff.Result {
	if s.Phase != diff.Watched || !s.Known() {
		return diff.Result{State: s}
	}
	return startFirst(s, at, func(s *diff.State) diff.Result {
		return diff.Compare(s, diff.Snapshot{Kind: diff.Partial, Rows: n.Rows, From: at, At: at, Via: events.ViaPush})
	})
}

// startFirst announces the meeting, if that is yet to come, before whatever events compare makes of its state: what the
// meeting is about is worth waiting for only as long as there is nothing else to tell.
func startFirst(s *diff.State, at int64, compare func(*diff.State) diff.Result) diff.Result {
	start := diff.Start(s, at)
	if start.Changed {
		if res := compare(start.State); len(res.Events) > 0 {
			return start.Then(res)
		}
	}
	return compare(s)
}

// ask has a watched meeting looked at here, whoever it belongs to.
func (p *Poller) ask(conferenceID string, ask func(*meeting)) {
	p.table.With(func(t *locked) {
		m, ok := t.meetings[conferenceID]
		if !ok { // it left the table meanwhile: whoever looks at it finds out why
			m = t.newMeeting(conferenceID)
			t.meetings[conferenceID] = m
		}
		ask(m)
		t.arrange(m, m.due)
	})
}
