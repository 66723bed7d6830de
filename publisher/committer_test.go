package publisher

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

func TestGroupCommitStoresManyMeetingsInOneBatch(t *testing.T) {
	t.Parallel()
	const meetings = 150
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := still(t, nc, Options{})
	late := make(chan []error, 1)
	waiting := make(chan struct{}, meetings)
	go func() {
		late <- each(meetings, func(i int) error {
			r := newRoom(meetingName(i)).join("ann")
			base := Record{State: diff.New(r.id)}
			res := diff.Compare(base.State, r.snapshot())
			waiting <- struct{}{}
			_, err := p.Commit(t.Context(), base, res)
			return err
		})
	}()
	for range meetings {
		<-waiting
	}
	run(t, p)
	require.NoError(t, errors.Join(<-late...))
	batches := map[string]int{}
	for _, m := range fetch(t, nc, AllStates) {
		batches[m.Headers().Get(hdrBatch)]++
	}
	assert.Less(t, len(batches), meetings/4, "batches for %d meetings", meetings)
	var states int
	for rec, err := range p.All(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, uint64(1), rec.State.Sequence)
		states++
	}
	assert.Equal(t, meetings, states)
}

func TestOneMeetingsConflictDoesNotHurtTheOthers(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := open(t, nc, Options{})
	update(t, p, newRoom(meetingName(3)).join("somebody else"))
	var group []*job
	for i := range 8 {
		group = append(group, jobOf(t, p, Record{State: diff.New(meetingName(i))}, newRoom(meetingName(i)).join("ann")))
	}
	p.commitGroup(t.Context(), group)
	for i, j := range group {
		if i == 3 {
			require.ErrorIs(t, j.err, ErrConflict)
			continue
		}
		require.NoError(t, j.err)
		assert.Equal(t, load(t, p, j.meeting).Revision, j.revision)
	}
}

func TestPickTakesAMeetingOnceAndWhatFits(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := still(t, nc, Options{})
	mk := func(id string, msgs, size int) *job {
		j := newJob(Record{State: diff.New(id)})
		j.msgs, j.size = make([]*nats.Msg, msgs), size
		return j
	}
	names := func(jobs []*job) (out []string) {
		for _, j := range jobs {
			out = append(out, j.meeting)
		}
		return out
	}
	gone := mk("gone", 1, 1)
	require.True(t, p.withdraw(gone))
	group, rest := p.pick([]*job{mk("a", 500, 1), mk("a", 1, 1), gone, mk("b", 500, 1), mk("c", 1, 1)})
	assert.Equal(t, []string{"a", "b"}, names(group))
	assert.Equal(t, []string{"a", "c"}, names(rest))
	assert.False(t, p.withdraw(group[0]), "it is with the committer")

	group, rest = p.pick([]*job{mk("x", 1, maxBatchBytes), mk("y", 1, 1)})
	assert.Equal(t, []string{"x"}, names(group))
	assert.Equal(t, []string{"y"}, names(rest))
	group, rest = p.pick([]*job{mk("huge", 1, 2*maxBatchBytes)})
	assert.Equal(t, []string{"huge"}, names(group), "what is alone goes in any case")
	assert.Empty(t, rest)
}

func TestStoppedPublisherFinishesOrFails(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := still(t, nc, Options{})
	stop := run(t, p)
	const meetings = 60
	started := make(chan struct{}, meetings)
	results := make(chan []error, 1)
	go func() {
		results <- each(meetings, func(i int) error {
			started <- struct{}{}
			r := newRoom(meetingName(i)).join("ann")
			base := Record{State: diff.New(r.id)}
			_, err := p.Commit(t.Context(), base, diff.Compare(base.State, r.snapshot()))
			return err
		})
	}()
	for range meetings {
		<-started
	}
	stop()
	for i, err := range <-results {
		stored := load(t, p, meetingName(i)).Revision > 0
		if stored {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, ErrStopped)
		}
	}
	_, err := p.Commit(t.Context(), load(t, p, "x"), diff.Compare(diff.New("x"), newRoom("x").join("ann").snapshot()))
	require.ErrorIs(t, err, ErrStopped)
	require.ErrorContains(t, p.Run(t.Context()), "called before")
}

func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s := startEmbedded(t, disk.Fast(t))
	proxy := faultproxy.Start(t, hostPort(t, s.ClientURL()))
	p := still(t, connect(t, "nats://"+proxy.Addr()), Options{})
	stop := run(t, p)
	base := load(t, p, "room")
	acked, release := make(chan struct{}), make(chan struct{})
	proxy.ToClient(onceOnAck(func(b []byte) []byte { close(acked); <-release; return b }))
	done := make(chan error, 1)
	go func() {
		_, err := p.Commit(t.Context(), base, diff.Compare(base.State, newRoom("room").join("ann").snapshot()))
		done <- err
	}()
	<-acked
	stopping := make(chan struct{})
	go func() { stop(); close(stopping) }()
	select {
	case <-stopping:
		t.Fatal("Run returned with a commit under way")
	case err := <-done:
		t.Fatal("the commit ended before its answer: ", err)
	default:
	}
	close(release)
	require.NoError(t, <-done)
	<-stopping
}
