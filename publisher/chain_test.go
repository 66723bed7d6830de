package publisher

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// signer is a key of a test.
func signer(t testing.TB) (nkeys.KeyPair, string) {
	t.Helper()
	key, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := key.PublicKey()
	require.NoError(t, err)
	return key, public
}

// wanted commits what an intent gives for what is stored of a meeting.
func wanted(t testing.TB, p *Publisher, id string, want diff.Intent) Record {
	t.Helper()
	rec, _, err := p.Update(t.Context(), load(t, p, id), want)
	require.NoError(t, err)
	return rec
}

// TestAMeetingIsChainedAndSealed from its start over a gap to its end, and when it is watched
// again.
func TestAMeetingIsChainedAndSealed(t *testing.T) {
	t.Parallel()
	key, public := signer(t)
	p := newPublisher(t, Options{CorpID: "ding1", Signer: key})
	r := newRoom("room").join("ann")
	watch := intent(func(s *diff.State) diff.Result {
		return diff.Start{At: r.now}.Apply(s.Watch(diff.Description{Title: "Weekly"}))
	})
	wanted(t, p, r.id, watch)
	update(t, p, r)
	wanted(t, p, r.id, diff.Gap{From: r.now, At: r.now + 1, Reason: events.GapDown})
	wanted(t, p, r.id, intent(func(s *diff.State) diff.Result { return diff.CloseGap(s, r.now+2) }))
	update(t, p, r.join("bob"))
	r.over = true
	wanted(t, p, r.id, diff.All{r.snapshot(), diff.End{At: r.now, Reason: events.EndEnded}})
	chain := verifyChain(t, p.nc, p, r.id)
	r.now += 1000
	wanted(t, p, r.id, watch)
	again := verifyChain(t, p.nc, p, r.id)
	assert.Equal(t, chain.Events+1, again.Events)

	var sealed []string
	msgs := fetch(t, p.nc, events.OfMeeting(r.id))
	for i, m := range msgs {
		e := decode(t, m)
		s := e.Seal()
		if s == nil {
			continue
		}
		sealed = append(sealed, string(e.Type))
		assert.Equal(t, public, s.Key)
		assert.EqualValues(t, i, s.Events)
		assert.Equal(t, events.HashOf(msgs[i-1].Data()).String(), s.Hash)
	}
	assert.Equal(t, []string{
		"conference.meeting.gap", "conference.meeting.gap", "conference.meeting.ended", "conference.meeting.started",
	}, sealed)
	assert.Equal(t, events.NoHash, decode(t, msgs[0]).Previous)
}

func TestWithoutAKeyEventsAreChainedAndNotSealed(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann")
	r.over = true
	wanted(t, p, r.id, diff.All{r.snapshot(), diff.End{At: r.now, Reason: events.EndEnded}})
	assert.EqualValues(t, 3, verifyChain(t, p.nc, p, r.id).Events)
	for _, m := range fetch(t, p.nc, events.AllMeetings) {
		e := decode(t, m)
		assert.Nil(t, e.Seal())
	}
}

// A result that takes several batches is one chain, also when only the first of them were stored.
func TestALargeResultIsOneChain(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	p.batchLimit.Store(41)
	r := crowd(500)
	base := load(t, p, r.id)
	res := diff.Compare(base.State, r.snapshot())
	steps := res.Steps(20)
	require.Greater(t, len(steps), 10)
	for _, step := range steps[:3] { // and then the process ended
		var err error
		base, err = p.commitStep(t.Context(), base, step)
		require.NoError(t, err)
	}
	assert.EqualValues(t, 60, verifyChain(t, p.nc, p, r.id).Events)
	update(t, p, r)
	verify(t, p.nc, p, r.id)
	assert.EqualValues(t, 500, load(t, p, r.id).State.Chain.Events)
}

// What is sent again after an unknown outcome is the same, byte for byte: nothing is chained, salted
// or signed a second time.
func TestACommitThatIsSentAgainIsTheSame(t *testing.T) {
	t.Parallel()
	key, _ := signer(t)
	p, direct, proxy := behindProxy(t, Options{Signer: key, AckTimeout: 200 * time.Millisecond})
	r := newRoom("room").join("ann").join("bob")
	j := jobOf(t, p, load(t, p, r.id), r)
	var payloads [][]byte
	for _, m := range j.msgs {
		payloads = append(payloads, slices.Clone(m.Data))
	}
	var lost atomic.Int32
	proxy.ToServer(func(data []byte) []byte {
		if bytes.Contains(data, []byte(hdrBatchCommit)) && lost.Add(1) == 1 {
			proxy.Cut()
			return nil
		}
		return data
	})
	p.commitGroup(t.Context(), []*job{j})
	require.NoError(t, j.err)
	require.EqualValues(t, 2, lost.Load())
	verify(t, direct.nc, direct, r.id)
	stored := slices.DeleteFunc(fetch(t, direct.nc, ">"), func(m jetstream.Msg) bool { return strings.HasPrefix(m.Subject(), signerPrefix) })
	require.Len(t, stored, len(payloads))
	for i, m := range stored {
		assert.Equal(t, payloads[i], m.Data())
	}
}

// When the state is lost its chain is found again by the events, of which the first may be gone.
func TestAChainGoesOnWhenTheStateIsLost(t *testing.T) {
	t.Parallel()
	key, _ := signer(t)
	p := newPublisher(t, Options{Signer: key})
	r := newRoom("room").join("ann")
	update(t, p, r)
	wanted(t, p, r.id, diff.Gap{From: r.now, At: r.now + 1, Reason: events.GapDown})
	before := update(t, p, r.join("bob")).State.Chain
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	lose := func() {
		require.NoError(t, st.Purge(t.Context(), jetstream.WithPurgeSubject(StateSubject(r.id))))
	}
	lose()
	assert.Equal(t, before, load(t, p, r.id).State.Chain)
	update(t, p, r.join("cleo"))
	verify(t, p.nc, p, r.id)

	first := fetch(t, p.nc, events.OfMeeting(r.id))[0]
	meta, err := first.Metadata()
	require.NoError(t, err)
	require.NoError(t, st.DeleteMsg(t.Context(), meta.Sequence.Stream))
	before = load(t, p, r.id).State.Chain
	lose()
	assert.Equal(t, before, load(t, p, r.id).State.Chain, "the seal of the gap says how many there were")
}

// A stream of the format before has no chain until it is switched; from then on live meetings go on
// with one, which is kept by everybody who finds it.
func TestAChainBeginsInALiveMeeting(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	plainStream(t, nc)
	p := open(t, nc, Options{})
	r := newRoom("room").join("ann")
	update(t, p, r)
	first := fetch(t, nc, events.OfMeeting(r.id))
	require.Len(t, first, 1)
	e := decode(t, first[0])
	assert.Empty(t, e.Previous+e.Salt)
	assert.Equal(t, events.Chain{}, load(t, p, r.id).State.Chain)

	believe(t, p, formatChained)
	update(t, p, r.join("bob"))
	chain := verifyChain(t, nc, p, r.id)
	assert.EqualValues(t, 1, chain.Events)
	believe(t, p, formatPlain) // who does not know of the switch goes on with the chain
	update(t, p, r.join("cleo"))
	verify(t, nc, p, r.id)
	assert.EqualValues(t, 2, load(t, p, r.id).State.Chain.Events)
}
