package publisher

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// race lets two writers look at one meeting for a number of rounds, each with what it last heard of
// the state, and returns how often one of them was not the first.
func race(t *testing.T, one, two *Publisher, rounds int) (conflicts int) {
	t.Helper()
	r := newRoom("room")
	base := [2]Record{load(t, one, r.id), load(t, two, r.id)}
	for n := range rounds {
		who := fmt.Sprint("person", n/2%10)
		if n%2 == 0 {
			r.join(who)
		} else {
			r.leave(who)
		}
		looks := [2]int{}
		for i, err := range each(2, func(i int) error {
			snap := r.snapshot()
			for began := time.Now(); ; {
				rec, _, err := []*Publisher{one, two}[i].Update(t.Context(), base[i], intent(func(s *diff.State) diff.Result {
					looks[i]++
					return diff.Compare(s, snap)
				}))
				base[i] = rec
				if err == nil || errors.Is(err, ErrConflict) || time.Since(began) > maxResends {
					return err
				} // the server is busy, or has lost its leader: what is missed now is found on the next look
			}
		}) {
			require.NoError(t, err, "round %d of writer %d", n, i)
		}
		conflicts += looks[0] + looks[1] - 2
	}
	assert.Len(t, verify(t, one.nc, one, r.id), rounds)
	return conflicts
}

func TestTwoWritersRaceForAThousandRounds(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })
	one, two := open(t, connect(t, url), Options{}), open(t, connect(t, url), Options{})
	conflicts := race(t, one, two, 1000)
	assert.GreaterOrEqual(t, conflicts, 500, "they did race")
}

// Without the compare-and-set the same two writers store the same sequence twice: the test above
// can fail.
func TestCompareAndSetIsWhatKeepsTheSequence(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })
	one, two := open(t, connect(t, url), Options{}), open(t, connect(t, url), Options{})
	one.blind, two.blind = true, true
	base := load(t, one, "room")
	commit(t, one, base, newRoom("room").join("ann"))
	res := diff.Compare(base.State, newRoom("room").join("bob").snapshot())
	_, err := two.commitSteps(t.Context(), base, res, maxBatch)
	require.NoError(t, err)
	stored := fetch(t, one.nc, events.AllMembers)
	require.Len(t, stored, 2)
	assert.Equal(t, decode(t, stored[0]).Sequence, decode(t, stored[1]).Sequence)
}

// Many meetings, many writers, random pauses: everything is stored once.
func TestManyMeetingsAndWriters(t *testing.T) {
	t.Parallel()
	const meetings, writers, rounds = 20, 3, 6
	url := startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })
	pubs := make([]*Publisher, writers)
	for i := range pubs {
		pubs[i] = open(t, connect(t, url), Options{})
	}
	rooms, locks := make([]*room, meetings), make([]sync.Mutex, meetings)
	for i := range rooms {
		rooms[i] = newRoom(meetingName(i))
	}
	// look has somebody more join, if nobody else did that in this round, and looks.
	look := func(p *Publisher, i, round int, rec Record) (Record, error) {
		locks[i].Lock()
		if len(rooms[i].rows) < round {
			rooms[i].join(fmt.Sprint("person", round))
		}
		snap := rooms[i].snapshot()
		locks[i].Unlock()
		snap.Since = rec.State.Mark()
		rec, _, err := p.Update(t.Context(), rec, snap)
		return rec, err
	}
	for _, err := range each(meetings*writers, func(i int) error {
		p, meeting := pubs[i%writers], i/writers
		rec := Record{State: diff.New(meetingName(meeting))}
		for n := range rounds {
			var err error
			if rec, err = look(p, meeting, n+1, rec); err != nil {
				return err
			}
			if err = sleep(t.Context(), time.Duration(rand.N(4)+1)*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}) {
		require.NoError(t, err)
	}
	for i := range meetings {
		_, err := look(pubs[0], i, 0, load(t, pubs[0], meetingName(i)))
		require.NoError(t, err)
		assert.Len(t, verify(t, pubs[0].nc, pubs[0], meetingName(i)), rounds)
	}
}

func TestUpdateGivesUpAfterManyConflicts(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	other := open(t, connect(t, p.nc.ConnectedUrl()), Options{})
	r, n := newRoom("room").join("ann"), 0
	r.now += 3_600_000 // newer than every look of the other
	_, _, err := p.Update(t.Context(), load(t, p, r.id), intent(func(s *diff.State) diff.Result {
		n++
		theirs := newRoom(r.id)
		for i := range n {
			theirs.join(fmt.Sprint("other", i))
		}
		rec, lerr := other.Load(t.Context(), r.id)
		assert.NoError(t, lerr)
		_, cerr := other.Commit(t.Context(), rec, diff.Compare(rec.State, theirs.snapshot()))
		assert.NoError(t, cerr)
		return diff.Compare(s, r.snapshot())
	}))
	require.ErrorIs(t, err, ErrConflict)
	assert.Equal(t, maxRounds, n)
}
