package publisher

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// race lets two writers look at one meeting for a number of rounds, each with what it last heard of the state, and
// returns how often one of them was not the first.
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
			rec, _, err := []*Publisher{one, two}[i].Update(t.Context(), base[i], func(s *diff.State) diff.Result {
				looks[i]++
				return diff.Compare(s, snap)
			})
			base[i] = rec
			return err
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
	url := startServer(t, func(o *server.Options) { o.StoreDir = fastDir(t) })
	one, two := open(t, connect(t, url), Options{}), open(t, connect(t, url), Options{})
	conflicts := race(t, one, two, 1000)
	assert.GreaterOrEqual(t, conflicts, 500, "they did race")
}

// Without the compare-and-set the same two writers store the same sequence twice: the test above can fail.
func TestCompareAndSetIsWhatKeepsTheSequence(t *testing.T) {
	url := startServer(t, func(o *server.Options) { o.StoreDir = fastDir(t) })
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

// cluster runs three servers that replicate, and returns them.
func cluster(t *testing.T) []*server.Server {
	t.Helper()
	ports := freePorts(t, 3)
	var routes []string
	for _, port := range ports {
		routes = append(routes, fmt.Sprint("nats://127.0.0.1:", port))
	}
	var out []*server.Server
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, StoreDir: fastDir(t), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "C", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		})
		require.NoError(t, err)
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		out = append(out, s)
	}
	for _, s := range out {
		require.True(t, s.ReadyForConnections(10*time.Second))
	}
	return out
}

// freePorts finds ports that nobody listens on.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	var lc net.ListenConfig
	for range n {
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func TestReplicatedStreamSurvivesItsLeader(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	urls := servers[0].ClientURL() + "," + servers[1].ClientURL() + "," + servers[2].ClientURL()
	patient := nats.Timeout(time.Second)
	opts := Options{Replicas: 3, AckTimeout: 2 * time.Second, GiveUpAfter: 20 * time.Second}
	var one *Publisher
	require.Eventually(t, func() bool {
		var err error
		one, err = Open(t.Context(), connect(t, urls, patient), opts)
		return err == nil
	}, 20*time.Second, 100*time.Millisecond)
	run(t, one)
	two := open(t, connect(t, urls, patient), opts)
	race(t, one, two, 30)

	st, err := one.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.Equal(t, 3, st.CachedInfo().Config.Replicas)
	for _, s := range servers {
		if s.Name() == st.CachedInfo().Cluster.Leader {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
	r := newRoom("after").join("ann").join("bob")
	require.Eventually(t, func() bool {
		rec, err := two.Load(t.Context(), r.id)
		if err != nil {
			return false
		}
		_, _, err = two.Update(t.Context(), rec, r.compare())
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	assert.Len(t, verify(t, two.nc, two, r.id), 2)
	assert.Len(t, verify(t, two.nc, two, "room"), 30)
}

// Many meetings, many writers, random pauses: everything is stored once.
func TestManyMeetingsAndWriters(t *testing.T) {
	t.Parallel()
	const meetings, writers, rounds = 20, 3, 6
	url := startServer(t, func(o *server.Options) { o.StoreDir = fastDir(t) })
	pubs := make([]*Publisher, writers)
	for i := range pubs {
		pubs[i] = open(t, connect(t, url), Options{})
	}
	for _, err := range each(meetings*writers, func(i int) error {
		p, r := pubs[i%writers], newRoom(meetingName(i/writers))
		rec := Record{State: diff.New(r.id)}
		for n := range rounds {
			r.join(fmt.Sprint("person", n))
			var err error
			if rec, _, err = p.Update(t.Context(), rec, r.compare()); err != nil {
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
		assert.Len(t, verify(t, pubs[0].nc, pubs[0], meetingName(i)), rounds)
	}
}

func TestUpdateGivesUpAfterManyConflicts(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	other := open(t, connect(t, p.nc.ConnectedUrl()), Options{})
	r, n := newRoom("room").join("ann"), 0
	r.now += 3_600_000 // newer than every look of the other
	_, _, err := p.Update(t.Context(), load(t, p, r.id), func(s *diff.State) diff.Result {
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
	})
	require.ErrorIs(t, err, ErrConflict)
	assert.Equal(t, maxRounds, n)
}

func TestGroupCommitStoresManyMeetingsInOneBatch(t *testing.T) {
	const meetings = 150
	nc := connect(t, startEmbedded(t, fastDir(t)).ClientURL())
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
	nc := connect(t, startEmbedded(t, fastDir(t)).ClientURL())
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
	nc := connect(t, startEmbedded(t, fastDir(t)).ClientURL())
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
	nc := connect(t, startEmbedded(t, fastDir(t)).ClientURL())
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
	s := startEmbedded(t, fastDir(t))
	proxy := startProxy(t, hostPort(t, s.ClientURL()))
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
