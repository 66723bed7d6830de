package publisher

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// epoch is when every room opens, in Unix milliseconds.
const epoch = 1_700_000_000_000

// room is a meeting upstream: its member list, changed by the test, looked at by each comparison.
type room struct {
	id   string
	now  int64
	rows []diff.Row
	over bool
}

func newRoom(id string) *room { return &room{id: id, now: epoch} }

// join adds a visit of somebody a second later, leave ends their last one a second later.
func (r *room) join(who string) *room {
	r.now += 1000
	r.rows = append(r.rows, diff.Row{UnionID: who, UserNick: "Nick of " + who, JoinTime: r.now, Status: diff.StatusActive})
	return r
}

func (r *room) leave(who string) *room {
	r.now += 1000
	for i := len(r.rows) - 1; i >= 0; i-- {
		if r.rows[i].UnionID == who {
			r.rows[i].Status, r.rows[i].LeaveTime = diff.StatusLeft, r.now
			return r
		}
	}
	panic(who + " is not in the room")
}

// snapshot looks at the room as it is.
func (r *room) snapshot() diff.Snapshot {
	rows := append([]diff.Row(nil), r.rows...)
	return diff.Snapshot{Kind: diff.Complete, Rows: rows, From: r.now + 100, At: r.now + 200, Via: events.ViaPoll, Over: r.over, EndTime: r.now}
}

// compare is what Update needs: a comparison with the room as it is now.
func (r *room) compare() diff.Intent { return r.snapshot() }

// intent is an intent that a test makes up.
type intent func(*diff.State) diff.Result

func (f intent) Apply(s *diff.State) diff.Result { return f(s) }
func (f intent) String() string                  { return "a test's" }

// load and commit and update fail the test on any error.
func load(t testing.TB, p *Publisher, id string) (rec Record) {
	t.Helper()
	answered(t, func() (err error) {
		rec, err = p.Load(t.Context(), id)
		return err
	})
	return rec
}

func commit(t testing.TB, p *Publisher, base Record, r *room) (rec Record) {
	t.Helper()
	answered(t, func() (err error) {
		rec, err = p.Commit(t.Context(), base, diff.Compare(base.State, r.snapshot()))
		return err
	})
	return rec
}

// answered does something, again if the server was too slow to be asked what precedes it.
func answered(t testing.TB, f func() error) {
	t.Helper()
	began := time.Now()
	err := f()
	for slow(err) && time.Since(began) < maxResends {
		err = f()
	}
	require.NoError(t, err)
}

// slow tells whether nothing is wrong but that an answer came too late, and nothing was sent that
// it could change.
func slow(err error) bool {
	return errors.Is(err, errNoAnswer) && !errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrUnavailable)
}

func update(t testing.TB, p *Publisher, r *room) Record {
	t.Helper()
	rec, _, err := p.Update(t.Context(), load(t, p, r.id), r.compare())
	require.NoError(t, err)
	return rec
}

// fetch reads everything that is stored on a subject.
func fetch(t testing.TB, nc *nats.Conn, subject string) []jetstream.Msg {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	var cons jetstream.Consumer
	require.Eventually(t, func() bool { // a cluster may be electing a leader
		cons, err = js.OrderedConsumer(t.Context(), events.Stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
		return err == nil
	}, maxResends, time.Millisecond)
	info, err := cons.Info(t.Context())
	require.NoError(t, err)
	if info.NumPending == 0 {
		return nil
	}
	msgs, err := cons.Messages()
	require.NoError(t, err)
	defer msgs.Stop()
	var out []jetstream.Msg
	for range info.NumPending {
		m, err := msgs.Next(jetstream.NextContext(t.Context()))
		require.NoError(t, err)
		out = append(out, m)
	}
	return out
}

func decode(t testing.TB, m jetstream.Msg) events.Event {
	t.Helper()
	e, err := events.Decode(m.Data())
	require.NoError(t, err, string(m.Data()))
	return e
}

// verify holds what is stored of a meeting to the product's promises: a gapless sequence in the
// order of the stream, nothing twice, joined and left in turns, the same in both views, and a state
// that fits.
func verify(t testing.TB, nc *nats.Conn, p *Publisher, id string) []events.Event {
	t.Helper()
	var out []events.Event
	seen, present := map[string]bool{}, map[string]bool{}
	for i, m := range fetch(t, nc, events.MembersOfMeeting(id)) {
		e := decode(t, m)
		require.Equal(t, uint64(i+1), e.Sequence, "sequence of meeting %s", id)
		require.False(t, seen[e.ID], "event %s is stored twice", e.ID)
		require.Equal(t, e.Type != events.Joined, present[e.Subject], "%s of %s", e.Type, e.Subject)
		seen[e.ID], present[e.Subject] = true, e.Type == events.Joined
		out = append(out, e)
	}
	var flat int
	for _, m := range fetch(t, nc, events.AllMembers) {
		if e := decode(t, m); e.ConferenceID() == id {
			require.Equal(t, out[flat].ID, e.ID)
			flat++
		}
	}
	require.Equal(t, len(out), flat)
	assert.Equal(t, uint64(len(out)), load(t, p, id).State.Sequence)
	verifyChain(t, nc, p, id)
	return out
}

// verifyChain follows the chain of what is stored of a meeting from its first event to the last,
// which the state has to know of.
func verifyChain(t testing.TB, nc *nats.Conn, p *Publisher, id string) (chain events.Chain) {
	t.Helper()
	salts := map[string]bool{}
	for _, m := range fetch(t, nc, events.OfMeeting(id)) {
		e := decode(t, m)
		if e.Previous == "" && !chain.Begun() {
			continue // from before there was a chain
		}
		var err error
		chain, err = chain.Follow(m.Data(), &e)
		require.NoError(t, err, "meeting %s", id)
		if e.Seal() != nil {
			require.NoError(t, events.CheckSeal(m.Data(), &e))
		}
		require.False(t, salts[e.Salt], "salt %s is used twice", e.Salt)
		salts[e.Salt] = true
	}
	assert.Equal(t, chain, load(t, p, id).State.Chain, "meeting %s", id)
	return chain
}

// each calls f for n meetings at once and returns what it returned.
func each(n int, f func(i int) error) []error {
	errs := make([]error, n)
	done := make(chan struct{})
	for i := range n {
		go func() { errs[i] = f(i); done <- struct{}{} }()
	}
	for range n {
		<-done
	}
	return errs
}

func meetingName(i int) string { return fmt.Sprintf("meeting-%d", i) }

// storeRaw puts a state's message into the stream as other hands would.
func storeRaw(t testing.TB, nc *nats.Conn, id string, data []byte) {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	m := nats.NewMsg(ingest + StateSubject(id))
	m.Header.Set(nats.MsgRollup, nats.MsgRollupSubject)
	m.Data = data
	_, err = js.PublishMsg(context.WithoutCancel(t.Context()), m)
	require.NoError(t, err)
}
