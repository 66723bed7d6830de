package publisher

import (
	"strconv"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// jobOf builds the commit of a comparison with base.
func jobOf(t *testing.T, p *Publisher, base Record, r *room) *job {
	t.Helper()
	res := diff.Compare(base.State, r.snapshot())
	j, err := p.build(base, diff.Step{Events: res.Events, State: res.State})
	require.NoError(t, err)
	return j
}

// codeOf sends a group and returns the verdict and the server's number for its answer.
func codeOf(t *testing.T, p *Publisher, group ...*job) (verdict, int) {
	t.Helper()
	a := p.send(t.Context(), group)
	var se *ServerError
	require.ErrorAs(t, a.err, &se)
	return a.verdict, se.Code
}

// still is a publisher whose committer does not run, for tests that send by themselves.
func still(t *testing.T, nc *nats.Conn, opts Options) *Publisher {
	t.Helper()
	p, err := Open(t.Context(), nc, opts)
	require.NoError(t, err)
	return p
}

func TestWrongLastSequenceIsAConflict(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	old := commit(t, p, load(t, p, r.id), r)
	commit(t, p, old, r.leave("ann"))

	r.join("bob")
	late := newRoom("room").join("ann").join("eve")
	v, code := codeOf(t, p, jobOf(t, p, old, late))
	assert.Equal(t, conflict, v)
	assert.Equal(t, codeWrongLast, code)
	_, err := p.Commit(t.Context(), old, diff.Compare(old.State, late.snapshot()))
	require.ErrorIs(t, err, ErrConflict)
	verify(t, p.nc, p, r.id)
}

// One meeting twice in one batch: what a clustered server says of a subject that somebody else is
// writing to.
func TestWrongLastSequenceConstantIsAConflict(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := still(t, nc, Options{})
	base := Record{State: diff.New("room")}
	one, two := jobOf(t, p, base, newRoom("room").join("ann")), jobOf(t, p, base, newRoom("room").join("bob"))
	v, code := codeOf(t, p, one, two)
	assert.Equal(t, conflict, v)
	assert.Equal(t, codeWrongLastConstant, code)

	p.commitGroup(t.Context(), []*job{one, two})
	require.NoError(t, one.err)
	assert.Equal(t, uint64(4), one.revision)
	require.ErrorIs(t, two.err, ErrConflict)
}

// A clustered server may refuse the only writer. Nothing changed, so the same commit is sent again.
func TestRefusalOfTheOnlyWriterIsTriedAgain(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := still(t, nc, Options{})
	j := jobOf(t, p, Record{State: diff.New("room")}, newRoom("room").join("ann"))
	assert.False(t, p.rejected(t.Context(), j, answer{verdict: conflict}, false))
	p.commitGroup(t.Context(), []*job{j})
	require.NoError(t, j.err)
}

func TestIncompleteBatchIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	m := nats.NewMsg(ingest + "conference.member.joined")
	m.Header.Set(hdrBatch, "begins in the middle")
	m.Header.Set(hdrBatchSeq, "2")
	m.Header.Set(hdrBatchCommit, "1")
	reply, err := p.nc.RequestMsgWithContext(t.Context(), m)
	require.NoError(t, err)
	a := p.judge(reply.Data, "begins in the middle", 2)
	assert.Equal(t, busy, a.verdict)
	assert.ErrorContains(t, a.err, strconv.Itoa(codeIncomplete))
}

func TestTooManyOpenBatchesAreWaitedFor(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) {
		o.JetStreamLimits.MaxBatchInflightPerStream = 1
		o.JetStreamLimits.MaxBatchTimeout = maxResends
	})
	waits := make(chan struct{})
	p := open(t, connect(t, url), Options{Logger: onSecondAttempt(sync.OnceFunc(func() { close(waits) }))})
	m := nats.NewMsg(ingest + "conference.member.joined")
	m.Header.Set(hdrBatch, "stays open")
	m.Header.Set(hdrBatchSeq, "1")
	_, err := p.nc.RequestMsgWithContext(t.Context(), m)
	require.NoError(t, err)

	// The message that begins a batch is refused for the limit. With several messages that is the
	// first one, which asks for no answer, so the last one hears that its batch never began.
	base := load(t, p, "room")
	single, err := p.build(base, diff.Step{State: base.State})
	require.NoError(t, err)
	v, code := codeOf(t, p, single)
	assert.Equal(t, busy, v)
	assert.Contains(t, []int{codeTooManyInflight, codeIncomplete}, code, "2.12 has no code of its own for that")
	v, code = codeOf(t, p, jobOf(t, p, base, newRoom("room").join("ann")))
	assert.Equal(t, busy, v)
	assert.Equal(t, codeIncomplete, code)
	go func() {
		<-waits
		m.Header.Set(hdrBatchSeq, "3") // without the second the batch is given up
		assert.NoError(t, p.nc.PublishMsg(m))
	}()
	update(t, p, newRoom("room").join("ann"))
	assert.Len(t, verify(t, p.nc, p, "room"), 1)
}

func TestSmallerBatchesOfAServerAreFound(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) { o.JetStreamLimits.MaxBatchSize = 20 })
	p := open(t, connect(t, url), Options{})
	r := newRoom("room")
	for i := range 100 {
		r.join("person" + strconv.Itoa(i))
	}
	j := jobOf(t, p, load(t, p, r.id), r)
	v, code := codeOf(t, p, j)
	assert.Equal(t, tooLarge, v)
	assert.Equal(t, codeTooLarge, code)
	rec := update(t, p, r)
	assert.Equal(t, uint64(100), rec.State.Sequence)
	assert.Len(t, verify(t, p.nc, p, r.id), 100)
	assert.LessOrEqual(t, p.batchLimit.Load(), int64(20))
}

func TestResultLargerThanABatchIsStoredInOrder(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room")
	for i := range 800 {
		who := "person" + strconv.Itoa(i)
		if r.join(who); i%3 == 0 {
			r.leave(who)
		}
	}
	r.over = true
	base := load(t, p, r.id)
	res := diff.Start{At: r.now}.Apply(base.State)
	res = res.Then(diff.Compare(res.State, r.snapshot()))
	res = res.Then(diff.End{At: r.now, Reason: "ended"}.Apply(res.State))
	rec, err := p.Commit(t.Context(), base, res)
	require.NoError(t, err)
	assert.Equal(t, load(t, p, r.id).Revision, rec.Revision)
	assert.Len(t, verify(t, p.nc, p, r.id), 2*800)

	all := fetch(t, p.nc, events.OfMeeting(r.id))
	assert.Equal(t, events.MeetingStarted, decode(t, all[0]).Type, "what precedes stays in front")
	assert.Equal(t, events.MeetingEnded, decode(t, all[len(all)-1]).Type, "what follows stays behind")
	assert.Empty(t, diff.Compare(rec.State, r.snapshot()).Events)
}

func TestConflictBetweenThePartsOfAResultIsRecoveredFrom(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := open(t, nc, Options{})
	r := newRoom("room")
	for i := range 600 {
		r.join("person" + strconv.Itoa(i))
	}
	base := load(t, p, r.id)
	parts := diff.Compare(base.State, r.snapshot()).Steps(499)
	require.Len(t, parts, 2)
	j, err := p.build(base, parts[0])
	require.NoError(t, err)
	require.Equal(t, committed, p.send(t.Context(), []*job{j}).verdict)

	rec, res, err := p.Update(t.Context(), base, r.compare())
	require.NoError(t, err)
	assert.Len(t, res.Events, 101, "the rest of what the first part left")
	assert.Equal(t, uint64(600), rec.State.Sequence)
	assert.Len(t, verify(t, nc, p, r.id), 600)
}

func TestRefusalSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	cfg := streamConfig(1)
	cfg.MaxMsgs = 1 // the operator's to decide, so it stays
	_, err := p.js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	base := load(t, p, "room")
	_, err = p.Commit(t.Context(), base, diff.Compare(base.State, newRoom("room").join("ann").snapshot()))
	var se *ServerError
	require.ErrorAs(t, err, &se)
	assert.Equal(t, 10077, se.Code)
	assert.ErrorContains(t, err, "meeting room")
}
