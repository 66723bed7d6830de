package poller

import (
	"context"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

// Scene is what happened, according to a push.
type Scene uint8

const (
	// Members says that members came or went.
	Members Scene = iota
	// Created says that a meeting began.
	Created
	// Closed says that a meeting is over.
	Closed
)

// sameClock is by how much, in milliseconds, DingTalk's clock and ours may differ.
const sameClock = 5_000

// endUnknown stands for an end at a time that the push does not tell.
const endUnknown = 1

// Notice is what a verified push says of one meeting.
type Notice struct {
	ConferenceID string
	Scene        Scene
	Time         int64 // when it happened, Unix milliseconds; 0 when not known
	Description  diff.Description
	// Rows are the devices the push names, as rows of a member list.
	Rows []diff.Row
	// Look says that the push alone is not enough: a look at the list is to decide.
	Look bool
	// Gone says that somebody left whom the push cannot name. That alone does not show that the
	// meeting goes on.
	Gone bool
}

// Notice acts on a push: what it proves is stored when Notice returns; what it does not prove is
// looked at soon. A meeting that is not watched is watched from then on, unless it was unwatched or
// the push is older than the meeting's end. The same push twice changes nothing. Notice waits for
// the store only, even while no looks can be made and the stored states have not been read.
//
// Errors: [events.ErrConferenceID], [ErrStopping], those of the [Store], and the cause of ctx.
// After one of the last two the push may or may not be stored: it is to be sent again.
func (p *Poller) Notice(ctx context.Context, n Notice) error {
	if err := events.CheckConferenceID(n.ConferenceID); err != nil {
		return err
	}
	m := guarded.Get(p.table, func(t *locked) *meeting { return t.visit(n.ConferenceID) })
	e, err := p.apply(ctx, m, n.intent(p.wall().UnixMilli(), p.thrifty()))
	if err != nil {
		return err
	}
	p.table.With(func(t *locked) { t.countPush(e.result.Events) })
	if !e.record.State.IsWatched() {
		return nil
	}
	p.table.With(func(t *locked) {
		if e.result.LookNow {
			m.keepLeft(n.Rows)
		}
		switch {
		case n.Scene == Closed:
			t.close(n.ConferenceID, n.Time)
		case e.result.Began:
			t.noteBegan(e.record.State, true, false)
		case n.Look || e.result.LookNow:
			t.lookSoon(n.ConferenceID, func(m *meeting) { m.asked = true })
		}
	})
	return nil
}

// intent is what a push wants of its meeting. If that is watched, it completes the description and
// compares the people that the push names. If not, it begins to watch it first, or does nothing.
func (n Notice) intent(at int64, scarce bool) diff.Intent {
	names := len(n.Rows) > 0
	told := diff.All{diff.FillIn{Description: n.Description, At: at, AtOnce: names}}
	if names {
		shown := diff.Snapshot{Kind: diff.Partial, Rows: n.Rows, From: at, At: at, Via: events.ViaPush, Scarce: scarce}
		told = append(told, diff.StartFirst{At: at, What: shown})
	}
	return diff.IfWatched{Then: told, Else: diff.Watch{Description: n.Description, At: at, If: begins{n, at}, AtOnce: names}}
}

// begins is the condition under which a push has a meeting watched that is not.
type begins struct {
	Notice
	at int64
}

// Holds implements [diff.Condition].
func (b begins) Holds(s *diff.State) bool { return b.wants(s, b.at) }

// wants tells whether a meeting in this state, which is not watched, is to be because of this push.
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

// newer tells whether what the push is about began after t. A push that is late, or sent twice,
// does not begin to watch a meeting again.
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

// endOf is when a meeting ended: as DingTalk told or, if it did not, the last time that is known of
// anybody in it. A time in the future was told by a clock that is ahead; it does not count, as no
// push would be newer until then.
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

// past returns t, or 0 if t is after now.
func past(t, now int64) int64 {
	if t > now {
		return 0
	}
	return t
}

// lookSoon has this replica look at a watched meeting, even if it is not ours. reason notes why.
func (t *locked) lookSoon(conferenceID string, reason func(*meeting)) {
	m, ok := t.meetings[conferenceID]
	if !ok { // it left the table meanwhile: the look finds out whether it is still watched
		m = t.newMeeting(conferenceID)
		t.meetings[conferenceID] = m
	}
	reason(m)
	t.arrange(m, m.due)
}
