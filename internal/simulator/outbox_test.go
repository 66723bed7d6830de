package simulator

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

func TestAcknowledgedEventsAreForgotten(t *testing.T) {
	s, clock := play(t, quiet)
	l := &link{sim: s, subscriptions: []subscription{{frameEvent, allTopics}}, out: make(chan parcel, linkQueue)}
	s.join(l)
	clock.at(30 * time.Second)
	o := &outbox{sim: s, held: map[string]*delivery{}, sent: map[string]*delivery{}}
	o.collect()
	require.Len(t, o.sent, 2)
	require.Len(t, o.later.all, 2, "those that wait to be given up")
	for id := range o.sent {
		o.answered(ack{id, true})
		o.answered(ack{id, false}) // too late
	}
	assert.Empty(t, o.sent)
	assert.Empty(t, o.later.all)
	assert.Equal(t, WayStats{Pushes: 2, Sent: 2, Acknowledged: 2}, s.Stats().Pushes.Ways[fault.ClassStream])
}

func TestTheTimeBeforeTheFirstConnectionIsNotSentOverIt(t *testing.T) {
	hook := PushSettings{URL: "http://localhost/", Token: hookToken, AESKey: hookKey}
	for name, test := range map[string]struct {
		push PushSettings
		want []string
	}{
		"stream alone": {PushSettings{}, []string{"stream user_leave"}},
		"webhook too": {hook, []string{
			"webhook conference_created", "webhook user_join", "webhook user_leave", "stream user_leave",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := play(t, quiet, func(o *Options) { o.Settings.Push, o.NewCipher = test.push, newCipher })
			do(t, s, "join Bob")
			s.join(&link{sim: s}) // the clock stands still, and nobody has collected what there is to send
			s.join(&link{sim: s})
			do(t, s, "leave Bob")
			var got []string
			for _, p := range s.planned() {
				got = append(got, string(p.class)+" "+p.event.ChangeScene)
			}
			assert.Equal(t, test.want, got)
			assert.Empty(t, s.planned())
		})
	}
}

func TestEverythingThatWaitsIsBounded(t *testing.T) {
	s, _ := play(t, quiet)
	o := &outbox{sim: s, held: map[string]*delivery{}, sent: map[string]*delivery{}}
	e := s.newEvent(history.Notice{Scene: history.SceneCreated, Info: history.Info{ID: "m"}}, s.pushRng)
	for range maxWaiting + 2 {
		o.dispatch(newDelivery(fault.ClassStream, e, nil)) // nobody is connected
	}
	assert.Len(t, o.later.all, maxWaiting)
	o.lanes = make([]chan *delivery, lanes)
	for i := range o.lanes {
		o.lanes[i] = make(chan *delivery, 1)
	}
	o.dispatch(newDelivery(fault.ClassWebhook, e, nil))
	o.dispatch(newDelivery(fault.ClassWebhook, e, nil))
	ways := s.Stats().Pushes.Ways
	assert.Equal(t, uint64(2), ways[fault.ClassStream].Dropped)
	assert.Equal(t, uint64(1), ways[fault.ClassWebhook].Dropped)

	l := &link{sim: s, subscriptions: []subscription{{frameEvent, allTopics}}, out: make(chan parcel, 1)}
	s.join(l)
	o.later = schedule{}
	o.dispatch(newDelivery(fault.ClassStream, e, nil))
	o.dispatch(newDelivery(fault.ClassStream, e, nil))
	assert.Equal(t, uint64(1), s.Stats().Pushes.Ways[fault.ClassStream].Sent, "a client that does not read gets no more")
	assert.Len(t, o.later.all, 2)
}

func TestScheduleIsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s schedule
		var added []*delivery
		for range rapid.IntRange(1, 50).Draw(t, "n") {
			d := newDelivery(fault.ClassWebhook, nil, nil)
			require.True(t, s.add(d, time.UnixMilli(rapid.Int64Range(0, 20).Draw(t, "at"))))
			added = append(added, d)
		}
		left := len(added)
		for _, d := range added {
			if rapid.Bool().Draw(t, "removed") {
				s.remove(d)
				s.remove(d) // changes nothing
				left--
			}
		}
		assert.Nil(t, s.due(time.UnixMilli(-1)))
		var last *delivery
		for d := s.due(time.UnixMilli(20)); d != nil; d = s.due(time.UnixMilli(20)) {
			if last != nil {
				require.False(t, d.at.Before(last.at))
				require.True(t, d.at.After(last.at) || d.order > last.order)
			}
			last = d
			left--
		}
		require.Zero(t, left)
	})
}

func TestMuteConn(t *testing.T) {
	here, there := net.Pipe()
	c := &muteConn{Conn: here}
	heard := make(chan string)
	go func() {
		defer close(heard)
		buf := make([]byte, 8)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			heard <- string(buf[:n])
		}
	}()
	_, err := there.Write([]byte("one"))
	require.NoError(t, err)
	assert.Equal(t, "one", <-heard)
	c.muted.Store(true)
	_, err = there.Write([]byte("two")) // returns once it is read
	require.NoError(t, err)
	n, err := c.Write([]byte("three")) // nobody reads it: it would block
	require.NoError(t, err)
	assert.Equal(t, 5, n)
	require.NoError(t, there.Close())
	_, ok := <-heard
	assert.False(t, ok, "the end is noticed, nothing else")
}

func TestMuteHijackerNeedsAConnection(t *testing.T) {
	_, _, err := (&muteHijacker{ResponseWriter: httptest.NewRecorder()}).Hijack()
	require.ErrorIs(t, err, http.ErrNotSupported)
}
