package publisher

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// The server dies and comes back in the middle of commits of many meetings, again and again.
func TestServerKilledInTheMiddleOfCommits(t *testing.T) {
	t.Parallel()
	const meetings, kills = 8, 4
	dir := t.TempDir()
	s, addr := startProcess(t, dir)
	proxy := faultproxy.Start(t, addr)
	nc := connect(t, "nats://"+proxy.Addr())
	p := open(t, nc, Options{AckTimeout: 500 * time.Millisecond, GiveUpAfter: 5 * time.Second})

	stop := make(chan struct{})
	var commits atomic.Int64
	finished := make(chan []error, 1)
	rooms := make([]*room, meetings)
	go func() {
		finished <- each(meetings, func(i int) error {
			rooms[i] = newRoom(meetingName(i))
			rec := Record{State: diff.New(rooms[i].id)}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return settleRoom(p, rooms[i])
				default:
				}
				rooms[i].join(fmt.Sprint("person", n))
				if n%2 == 1 {
					rooms[i].leave(fmt.Sprint("person", n-1))
				}
				next, _, err := p.Update(context.Background(), rec, rooms[i].compare())
				if err != nil {
					if next, err = p.Load(context.Background(), rooms[i].id); err != nil {
						continue // the server is away; what is missed now is found later
					}
				}
				rec = next
				commits.Add(1)
			}
		})
	}()
	for range kills {
		began := commits.Load()
		require.Eventually(t, func() bool { return commits.Load() > began+20 }, maxResends, time.Millisecond)
		s.Kill()
		s, addr = startProcess(t, dir)
		proxy.SetTarget(addr)
	}
	close(stop)
	for _, err := range <-finished {
		require.NoError(t, err)
	}
	require.Greater(t, commits.Load(), int64(20*kills))
	for _, r := range rooms {
		joined := 0
		for _, e := range verify(t, nc, p, r.id) {
			if e.Type == events.Joined {
				joined++
			}
		}
		assert.Equal(t, len(r.rows), joined, "everybody who came was announced")
	}
}

// settleRoom commits what is left of a room once the server is back.
func settleRoom(p *Publisher, r *room) error {
	var err error
	for began := time.Now(); time.Since(began) < maxResends; {
		var rec Record
		if rec, err = p.Load(context.Background(), r.id); err != nil {
			_ = sleep(context.Background(), 50*time.Millisecond)
			continue
		}
		if _, _, err = p.Update(context.Background(), rec, r.compare()); err == nil {
			return nil
		}
	}
	return err
}

// The server dies and comes back in the middle of removing meetings, and whoever sweeps does so with
// it. Whatever was removed by then, the rest is removed, and what is watched stays.
func TestServerKilledInTheMiddleOfSweeps(t *testing.T) {
	t.Parallel()
	const meetings, kills = 12, 3
	dir := t.TempDir()
	s, addr := startProcess(t, dir)
	proxy := faultproxy.Start(t, addr)
	p := open(t, connect(t, "nats://"+proxy.Addr()), Options{Retention: time.Hour, AckTimeout: 500 * time.Millisecond, GiveUpAfter: 5 * time.Second})
	for i := range meetings {
		play(t, p, meetingName(i))
	}
	office := newRoom("office").join("ann")
	rec, _, err := p.Update(t.Context(), load(t, p, office.id), diff.All{watchFrom(office), office.compare()})
	require.NoError(t, err)
	for range kills {
		require.Eventually(t, func() bool { return sweepsInto(p, s.Kill) }, maxResends, time.Millisecond)
		s, addr = startProcess(t, dir)
		proxy.SetTarget(addr)
	}
	require.Eventually(t, func() bool {
		swept, err := sweeperAt(p, 2*time.Hour).Sweep(t.Context())
		return err == nil && swept.Due == 0
	}, maxResends, 10*time.Millisecond)
	for i := range meetings {
		assert.Empty(t, storedOf(t, p, meetingName(i)))
	}
	assert.Equal(t, rec.Revision, load(t, p, office.id).Revision)
	assert.Len(t, fetch(t, p.nc, events.OfMeeting(office.id)), 2)
}

// sweepsInto makes a pass in the middle of which the server is killed, and tells whether it came so
// far: a server that has just started may not answer yet.
func sweepsInto(p *Publisher, kill func()) bool {
	s, requests := sweeperAt(p, 2*time.Hour), 0
	s.rest = func(context.Context, time.Duration) error {
		if requests++; requests == 7 {
			kill()
		}
		return nil
	}
	_, err := s.Sweep(context.Background())
	return err != nil && requests >= 7
}
