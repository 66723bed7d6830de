package publisher

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

func TestCommitStoresEventsInBothViewsAndTheState(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 1, 2, 3, 4, 5, 678e6, time.UTC)
	p := newPlain(t, Options{CorpID: "ding1", Retention: time.Hour, Now: func() time.Time { return now }})
	r := newRoom("room").join("ann").join("bob")
	rec := commit(t, p, load(t, p, r.id), r)
	assert.Equal(t, uint64(5), rec.Revision, "two events twice, then the state")

	flat, byMeeting := fetch(t, p.nc, events.AllMembers), fetch(t, p.nc, events.MembersOfMeeting(r.id))
	require.Len(t, flat, 2)
	require.Len(t, byMeeting, 2)
	for i, who := range []string{"ann", "bob"} {
		e := decode(t, flat[i])
		assert.Equal(t, who, e.Subject)
		assert.Equal(t, "/dingtalk/ding1/conferences/room", e.Source)
		assert.Equal(t, now, e.RecordedTime.UTC())
		assert.Equal(t, uint64(i+1), e.Sequence)
		assert.Equal(t, events.DataSchema(events.Joined), e.DataSchema)
		assert.Equal(t, "conference.member.joined", flat[i].Subject())
		assert.Equal(t, "conference.id.room.member.joined", byMeeting[i].Subject())
		assert.Equal(t, flat[i].Data(), byMeeting[i].Data())

		assert.Equal(t, e.ID, flat[i].Headers().Get(nats.MsgIdHdr))
		assert.Empty(t, byMeeting[i].Headers().Get(nats.MsgIdHdr), "a stream stores an id once")
		for _, h := range []nats.Header{flat[i].Headers(), byMeeting[i].Headers()} {
			assert.Equal(t, "application/cloudevents+json", h.Get("Content-Type"))
			assert.Equal(t, "room", h.Get("Conference-Id"))
			assert.Equal(t, who, h.Get("Union-Id"))
			assert.Equal(t, "3600s", h.Get("Nats-TTL"))
		}
	}
	again := load(t, p, r.id)
	assert.Equal(t, rec.Revision, again.Revision)
	assert.Equal(t, rec.EventsExpire, again.EventsExpire)
	assert.Empty(t, diff.Compare(again.State, r.snapshot()).Events, "the stored state knows what was announced")
	st := fetch(t, p.nc, AllStates)
	require.Len(t, st, 1)
	assert.Equal(t, StateSubject("room"), st[0].Subject())
	assert.Empty(t, st[0].Headers().Get("Nats-TTL"), "the state of a live meeting does not expire")
}

// Where meetings expire as a whole nothing of them expires by itself.
func TestChainedEventsHaveNoTimeToLive(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	r := newRoom("room").join("ann")
	r.over = true
	update(t, p, r)
	for _, m := range fetch(t, p.nc, ">") {
		assert.NotContains(t, m.Headers(), "Nats-TTL", m.Subject())
	}
}

func TestGuestWithoutUnionIDHasNoUnionHeader(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room")
	r.rows = []diff.Row{{UserNick: "Guest", JoinTime: epoch, Status: diff.StatusActive}}
	update(t, p, r)
	m := fetch(t, p.nc, events.AllMembers)
	require.Len(t, m, 1)
	assert.NotContains(t, m[0].Headers(), "Union-Id")
	assert.NotContains(t, m[0].Headers(), "Nats-TTL", "kept for ever")
}

func TestHeaderValuesCannotAddHeaders(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	update(t, p, newRoom("room").join("ann\r\nNats-TTL: 1"))
	m := fetch(t, p.nc, events.AllMembers)
	require.Len(t, m, 1)
	assert.NotContains(t, m[0].Headers(), "Nats-TTL")
	assert.Equal(t, "ann\r\nNats-TTL: 1", decode(t, m[0]).Subject)
}

func TestNothingNewIsNotStored(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	rec := commit(t, p, load(t, p, r.id), r)
	r.now += 1000
	same := commit(t, p, rec, r)
	assert.Equal(t, rec.Revision, same.Revision)
	assert.Equal(t, rec.EventsExpire, same.EventsExpire)
	assert.Greater(t, same.State.LookedAt, rec.State.LookedAt, "the look itself is remembered")
	assert.Equal(t, rec.Revision, load(t, p, r.id).Revision)
}

func TestChangeWithoutEventsIsStored(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	rec := load(t, p, "room")
	next := diff.Result{State: rec.State.WithPhase(diff.Unwatched), Changed: true}
	rec, err := p.Commit(t.Context(), rec, next)
	require.NoError(t, err)
	assert.Equal(t, uint64(2), rec.Revision, "the key, then the state")
	assert.Equal(t, diff.Unwatched, load(t, p, "room").State.Phase)
}

func TestStateReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	rec := commit(t, p, load(t, p, r.id), r)
	rec = commit(t, p, rec, r.leave("ann"))
	commit(t, p, rec, r.join("ann"))
	assert.Len(t, fetch(t, p.nc, AllStates), 1)
	assert.Len(t, verify(t, p.nc, p, r.id), 3)
}

func TestMeetingEventsGoBothWaysToo(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	base := load(t, p, r.id)
	res := diff.Compare(base.State, r.snapshot())
	res.Events = append([]events.Event{meetingEvent(r.id, events.MeetingStarted)}, res.Events...)
	_, err := p.Commit(t.Context(), base, res)
	require.NoError(t, err)
	flat := fetch(t, p.nc, events.AllMeetings)
	require.Len(t, flat, 1)
	assert.Equal(t, "conference.meeting.started", flat[0].Subject())
	assert.NotContains(t, flat[0].Headers(), "Union-Id")
	byMeeting := fetch(t, p.nc, events.OfMeeting(r.id))
	require.Len(t, byMeeting, 2)
	assert.Equal(t, "conference.id.room.meeting.started", byMeeting[0].Subject())
}

func meetingEvent(id string, typ events.Type) events.Event {
	return events.Event{
		ID: events.MeetingID(id, epoch, typ, ""), Type: typ, Time: time.UnixMilli(epoch),
		Meeting: &events.Meeting{ConferenceID: id, StartTime: epoch},
	}
}

func TestClosedMeetingsStateOutlivesItsEvents(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { return now }
	p := newPlain(t, Options{Retention: 10 * time.Hour, Now: clock})
	r := newRoom("room").join("ann")
	update(t, p, r)

	// The retention was shortened since: the first event still has its ten hours.
	now = now.Add(time.Hour)
	p = open(t, p.nc, Options{Retention: time.Second, Now: clock})
	r.over = true
	update(t, p, r)
	st := fetch(t, p.nc, AllStates)
	require.Len(t, st, 1)
	ttl, err := time.ParseDuration(st[0].Headers().Get("Nats-TTL"))
	require.NoError(t, err)
	assert.InDelta(t, (9*time.Hour + closedMargin).Seconds(), ttl.Seconds(), 2)

	// Watched again, it is kept again.
	rec := load(t, p, r.id)
	_, err = p.Commit(t.Context(), rec, diff.Result{State: rec.State.WithPhase(diff.Watched), Changed: true})
	require.NoError(t, err)
	assert.Empty(t, fetch(t, p.nc, AllStates)[0].Headers().Get("Nats-TTL"))
}

func TestClosedMeetingsStateIsKeptForEverWithItsEvents(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	r.over = true
	update(t, p, r)
	assert.Empty(t, fetch(t, p.nc, AllStates)[0].Headers().Get("Nats-TTL"))
}

func TestEventsExpireAndTheStateStays(t *testing.T) {
	t.Parallel()
	p := newPlain(t, Options{Retention: time.Second})
	r := newRoom("room").join("ann")
	update(t, p, r)
	require.Eventually(t, func() bool {
		last, err := p.lastMessage(t.Context(), "conference.>")
		return err == nil && last == nil
	}, maxResends, 50*time.Millisecond)
	assert.Equal(t, uint64(1), load(t, p, r.id).State.Sequence)
	rec := update(t, p, r.leave("ann"))
	assert.Equal(t, uint64(2), rec.State.Sequence, "the sequence goes on")
}

func TestCommitRefusesWhatDoesNotFitTogether(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann").join("bob")
	base := load(t, p, r.id)
	good := func() diff.Result { return diff.Compare(base.State, r.snapshot()) }
	for name, tt := range map[string]struct {
		base Record
		res  func() diff.Result
		want string
	}{
		"no state to start from": {Record{}, good, "needs the state"},
		"no state to lead to":    {base, func() diff.Result { return diff.Result{Changed: true} }, "needs the state"},
		"bad conferenceId": {Record{State: diff.New("a.b")}, func() diff.Result {
			return diff.Result{State: diff.New("a.b"), Changed: true}
		}, `"a.b"`},
		"state of another meeting": {base, func() diff.Result {
			return diff.Result{State: diff.New("other"), Changed: true}
		}, "is of meeting other"},
		"event of another meeting": {base, func() diff.Result {
			res := good()
			m := *res.Events[1].Member
			m.ConferenceID = "other"
			res.Events[1].Member = &m
			return res
		}, "is of meeting other"},
		"gap in the sequence": {base, func() diff.Result {
			res := good()
			res.Events[1].Sequence = 3
			return res
		}, "has sequence 3, not 2"},
		"state behind its events": {base, func() diff.Result {
			res := good()
			s := *res.State
			s.Sequence = 1
			res.State = &s
			return res
		}, "at sequence 1, its events at 2"},
		"event that cannot be encoded": {base, func() diff.Result {
			res := good()
			res.Events[0].ID = ""
			return res
		}, "no id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Commit(t.Context(), tt.base, tt.res())
			require.ErrorContains(t, err, tt.want)
		})
	}
	assert.Empty(t, fetch(t, p.nc, ">"))
	_, err := p.Load(t.Context(), "a.>")
	require.ErrorIs(t, err, events.ErrConferenceID)
}
