package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// sweeperAt sweeps as if so much time had passed, without pauses.
func sweeperAt(p *Publisher, ahead time.Duration) *Sweeper {
	s := NewSweeper(p)
	s.ahead, s.rest = ahead, func(context.Context, time.Duration) error { return nil }
	return s
}

func sweep(t *testing.T, s *Sweeper) Swept {
	t.Helper()
	swept, err := s.Sweep(t.Context())
	require.NoError(t, err)
	return swept
}

// play stores a meeting that somebody attended and that is over.
func play(t testing.TB, p *Publisher, id string) Record {
	t.Helper()
	r := newRoom(id).join("ann").join("bob").leave("ann")
	r.over = true
	rec := load(t, p, id)
	rec, _, err := p.Update(t.Context(), rec, diff.All{watchFrom(r), r.compare(), diff.End{At: r.now + 200, Reason: events.EndEnded}})
	require.NoError(t, err)
	require.Equal(t, diff.Ended, rec.State.Phase)
	return rec
}

func watchFrom(r *room) diff.Intent {
	return diff.Watch{At: r.now, AtOnce: true, Description: diff.Description{Title: "All hands", StartTime: epoch}}
}

// storedOf are the subjects that name a meeting.
func storedOf(t testing.TB, p *Publisher, id string) []string {
	t.Helper()
	all, err := p.subjectsOf(t.Context(), ">")
	require.NoError(t, err)
	return slices.DeleteFunc(all, func(subject string) bool {
		return !slices.Contains(strings.Split(subject, "."), id)
	})
}

func TestMeetingsExpireAsAWhole(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	play(t, p, "over")
	given := newRoom("given-up").join("ann")
	_, _, err := p.Update(t.Context(), load(t, p, given.id), diff.All{watchFrom(given), given.compare(), diff.Unwatch{At: given.now}})
	require.NoError(t, err)
	r := newRoom("watched").join("ann")
	_, _, err = p.Update(t.Context(), load(t, p, r.id), diff.All{watchFrom(r), r.compare()})
	require.NoError(t, err)
	_, err = p.TellBlind(t.Context(), epoch, "down")
	require.NoError(t, err)
	for _, m := range fetch(t, p.nc, ">") {
		assert.Equal(t, m.Subject() == string(events.SourceBlind), m.Headers().Get("Nats-TTL") != "", m.Subject())
	}

	assert.Zero(t, sweep(t, sweeperAt(p, 59*time.Minute)), "nothing is due")
	assert.NotEmpty(t, storedOf(t, p, "over"))
	watched := load(t, p, r.id)
	swept := sweep(t, sweeperAt(p, 61*time.Minute))
	assert.Equal(t, 2, swept.Meetings)
	assert.InDelta(t, time.Minute, swept.Due, float64(time.Minute/2))
	assert.Empty(t, storedOf(t, p, "over"))
	assert.Empty(t, storedOf(t, p, given.id))
	assert.Equal(t, watched, load(t, p, r.id))
	assert.Len(t, fetch(t, p.nc, events.OfMeeting(r.id)), 2, "a meeting that is watched does not expire")
	assert.Empty(t, fetch(t, p.nc, events.AllMembers), "the view by type expires by age")
	assert.Empty(t, fetch(t, p.nc, events.AllMeetings))
	assert.Len(t, fetch(t, p.nc, events.AllOfSource), 1, "what is of no meeting has its own time to live")
	assert.Zero(t, sweep(t, sweeperAt(p, 61*time.Minute)))
	rec, _, err := p.Update(t.Context(), watched, r.join("bob").compare())
	require.NoError(t, err)
	assert.Equal(t, uint64(2), rec.State.Sequence)
	anew := newRoom("over").join("cho")
	rec, _, err = p.Update(t.Context(), load(t, p, anew.id), diff.All{watchFrom(anew), anew.compare()})
	require.NoError(t, err)
	assert.Equal(t, uint64(1), rec.State.Sequence, "as if it had never been known")
}

var errKilled = errors.New("killed")

// A sweeper is killed after each thing that it does; another one completes that. Meanwhile the
// meeting may be watched again.
func TestSweeperIsKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		p := newPublisher(t, Options{Retention: time.Hour})
		for steps, killed := 1, true; killed; steps++ {
			id := fmt.Sprintf("meeting-%v-%d", again, steps)
			play(t, p, id)
			s := sweeperAt(p, 2*time.Hour)
			left := steps
			s.rest = func(context.Context, time.Duration) error {
				if left--; left <= 0 {
					return errKilled
				}
				return nil
			}
			s.typed = time.Now()
			_, err := s.Sweep(t.Context())
			if killed = errors.Is(err, errKilled); !killed {
				require.NoError(t, err)
				assert.Greater(t, steps, 8, "a note, a mark, a purge of six subjects and a key, a state")
			}
			begun := load(t, p, id).State.Phase != diff.Ended
			if again {
				r := newRoom(id).join("cho")
				_, _, err := p.Update(t.Context(), load(t, p, id), diff.All{watchFrom(r), r.compare()})
				require.NoError(t, err)
			}
			sweep(t, sweeperAt(p, 0)) // nothing is due by now, but for what was begun
			if !again && !begun {
				sweep(t, sweeperAt(p, 2*time.Hour))
			}
			switch stored := fetch(t, p.nc, events.OfMeeting(id)); {
			case !again:
				assert.Empty(t, storedOf(t, p, id), "after %d", steps)
			case begun:
				assert.Len(t, stored, 2, "after %d", steps)
				assert.Equal(t, uint64(1), load(t, p, id).State.Sequence)
			default: // it goes on
				assert.Greater(t, len(stored), 4)
			}
		}
	}
}

// Of a meeting that expires and is watched again at the same moment one comes first: it goes on with
// all that was stored of it, or begins anew with nothing.
func TestMeetingIsWatchedAgainAsItExpires(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	other := open(t, connect(t, p.nc.ConnectedUrl()), Options{Retention: time.Hour})
	anew := 0
	for round := range 20 {
		id := meetingName(round)
		play(t, p, id)
		s := sweeperAt(p, 2*time.Hour)
		s.typed = time.Now()
		r := newRoom(id).join("cho").join("dan")
		for _, err := range each(2, func(i int) error {
			if i == 0 {
				_, err := s.Sweep(t.Context())
				return err
			}
			time.Sleep(time.Duration(round) * time.Millisecond) // so that neither is always first
			rec, err := other.Load(t.Context(), id)
			if err == nil {
				_, _, err = other.Update(t.Context(), rec, diff.All{watchFrom(r), r.compare()})
			}
			return err
		}) {
			require.NoError(t, err, "round %d", round)
		}
		sweep(t, sweeperAt(p, 0))
		rec := load(t, p, id)
		assert.Equal(t, diff.Watched, rec.State.Phase)
		stored := fetch(t, p.nc, events.MembersOfMeeting(id))
		for i, m := range stored {
			assert.Equal(t, uint64(i+1), decode(t, m).Sequence, "round %d", round)
		}
		assert.Equal(t, uint64(len(stored)), rec.State.Sequence)
		if len(stored) == 2 {
			anew++
		}
		_, _, err := p.Update(t.Context(), rec, diff.Unwatch{At: r.now})
		require.NoError(t, err)
	}
	t.Log("began anew in", anew, "of 20 rounds")
}

// A meeting that is watched again after it was found to be due, and before it is marked, goes on.
func TestMeetingIsWatchedAgainBeforeItExpires(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	play(t, p, "room")
	s, r := sweeperAt(p, 2*time.Hour), newRoom("room").join("cho")
	s.typed = time.Now()
	s.rest = func(context.Context, time.Duration) error {
		_, _, err := p.Update(t.Context(), load(t, p, r.id), diff.All{watchFrom(r), r.compare()})
		return err
	}
	assert.Zero(t, sweep(t, s).Meetings)
	rec := load(t, p, r.id)
	assert.Equal(t, diff.Watched, rec.State.Phase)
	assert.Len(t, fetch(t, p.nc, events.MembersOfMeeting(r.id)), int(rec.State.Sequence))
	assert.Greater(t, rec.State.Sequence, uint64(4))
}

// Two replicas that sweep at once do no harm, and remove everything.
func TestTwoSweepAtOnce(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	for i := range 16 {
		play(t, p, meetingName(i))
	}
	s := []*Sweeper{sweeperAt(p, 2*time.Hour), sweeperAt(p, 2*time.Hour)}
	s[0].atOnce, s[1].atOnce = 5, 5
	for range 4 {
		for _, err := range each(2, func(i int) error {
			_, err := s[i].Sweep(t.Context())
			return err
		}) {
			require.NoError(t, err)
		}
	}
	left, err := p.subjectsOf(t.Context(), ">")
	require.NoError(t, err)
	assert.Equal(t, []string{sweepSubject}, left)
}

// What the retention is now counts for all that is stored, whatever it was when that was stored.
func TestRetentionThatChanges(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	play(t, p, "over")
	for _, c := range []struct {
		retention time.Duration
		removed   int
	}{{0, 0}, {3 * time.Hour, 0}, {time.Minute, 1}} {
		p.opts.Retention = c.retention
		assert.Equal(t, c.removed, sweep(t, sweeperAt(p, 2*time.Hour)).Meetings, c.retention)
		assert.Equal(t, c.removed == 0, len(storedOf(t, p, "over")) > 0, c.retention)
	}
}

// What was stored when every message had its own time to live goes with that, or with its meeting.
func TestMeetingsOfBothKinds(t *testing.T) {
	t.Parallel()
	p := newPlain(t, Options{Retention: time.Hour})
	r := newRoom("room").join("ann")
	update(t, p, r)
	play(t, p, "over")
	assert.Zero(t, sweep(t, sweeperAt(p, 9*time.Hour)), "they expire by themselves")
	believe(t, p, formatChained)
	update(t, p, r.join("bob"))
	letExpire(t, p, 2*time.Hour)
	require.Empty(t, fetch(t, p.nc, events.OfMeeting("over")))
	require.Len(t, fetch(t, p.nc, events.OfMeeting(r.id)), 1)
	assert.Len(t, storedOf(t, p, "over"), 1, "the state is kept for longer")
	assert.Equal(t, 1, sweep(t, sweeperAt(p, 2*time.Hour)).Meetings)
	assert.Empty(t, storedOf(t, p, "over"))
	assert.Equal(t, uint64(2), load(t, p, r.id).State.Sequence)
}

// A pass is bounded, and what is left is removed by the next.
func TestSweepsGoOn(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	for i := range 4 {
		play(t, p, meetingName(i))
	}
	s := sweeperAt(p, 2*time.Hour)
	s.atOnce = 3
	first := sweep(t, s)
	assert.Equal(t, 3, first.Meetings)
	assert.True(t, first.More)
	assert.Empty(t, storedOf(t, p, meetingName(0)), "oldest first")
	assert.Equal(t, 1, sweep(t, s).Meetings)
}

// A state that cannot be read is left alone, and looked at again only when it has changed.
func TestSweepLeavesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	storeRaw(t, p.nc, "broken", []byte("no state"))
	play(t, p, "over")
	s := sweeperAt(p, 2*time.Hour)
	assert.Equal(t, 1, sweep(t, s).Meetings)
	assert.Len(t, s.standing, 1)
	assert.NotEmpty(t, storedOf(t, p, "broken"))
	sweep(t, s)
	assert.Len(t, s.standing, 1)
}

// letExpire removes, as the server does in time, what lives no longer than so.
func letExpire(t *testing.T, p *Publisher, longest time.Duration) {
	t.Helper()
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	for seq := st.CachedInfo().State.FirstSeq; seq <= st.CachedInfo().State.LastSeq; seq++ {
		m, err := st.GetMsg(t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		require.NoError(t, err)
		if ttl, err := time.ParseDuration(m.Header.Get(nats.MsgTTLHdr)); err == nil && ttl <= longest {
			require.NoError(t, st.DeleteMsg(t.Context(), seq))
		}
	}
}
