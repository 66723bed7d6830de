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
const endUnknown = 1

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
	m := guarded.Get(p.table, func(t *locked) *meeting { return t.visit(n.ConferenceID) })
	e, err := p.apply(ctx, m, n.intent(p.wall().UnixMilli(), p.thrifty()))
	if err != nil {
		return err
	}
	p.table.With(func(t *locked) { t.pushed(e.result.Events) })
	if !e.record.State.IsWatched() {
		return nil
	}
	p.table.With(func(t *locked) {
		switch {
		case n.Scene == Closed:
			t.close(n.ConferenceID, n.Time)
		case e.result.Began:
			t.began(e.record.State, true, false)
		case n.Look || e.result.LookNow:
			t.lookSoon(n.ConferenceID, func(m *meeting) { m.asked = true })
		}
	})
	return nil
}

// intent is what a push wants of its meeting. Of one that is watched it adds what is not known yet, and compares whom it
// names; any other it begins to watch first, or leaves alone.
func (n Notice) intent(at int64, scarce bool) diff.Intent {
	names := len(n.Rows) > 0
	told := diff.All{diff.FillIn{Description: n.Description, At: at, AtOnce: names}}
	if names {
		shown := diff.Snapshot{Kind: diff.Partial, Rows: n.Rows, From: at, At: at, Via: events.ViaPush, Scarce: scarce}
		told = append(told, diff.StartFirst{At: at, What: shown})
	}
	return diff.IfWatched{Then: told, Else: diff.Watch{Description: n.Description, At: at, If: begins{n, at}, AtOnce: names}}
}

// begins is the condition that a meeting that is not watched is to be, because of a push that came at a time.
type begins struct {
	Notice
	at int64
}

// Holds implements [diff.Condition].
func (b begins) Holds(s *diff.State) bool { return b.wants(s, b.at) }

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

// lookSoon has a watched meeting looked at here, whoever it belongs to, for a reason that the caller gives.
func (t *locked) lookSoon(conferenceID string, reason func(*meeting)) {
	m, ok := t.meetings[conferenceID]
	if !ok { // it left the table meanwhile: whoever looks at it finds out why
		m = t.newMeeting(conferenceID)
		t.meetings[conferenceID] = m
	}
	reason(m)
	t.arrange(m, m.due)
}
