package publisher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// crowd is a room of n people as DingTalk names them: ids of random characters, Chinese names,
// hours of coming.
func crowd(n int) *room {
	rng := rand.New(rand.NewPCG(1, 2))
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	r := newRoom("all-hands")
	for i := range n {
		id := make([]byte, 24)
		for k := range id {
			id[k] = chars[rng.IntN(len(chars))]
		}
		name := string([]rune{rune(0x4e00 + rng.IntN(20000)), rune(0x4e00 + rng.IntN(20000)), rune(0x4e00 + rng.IntN(20000))})
		r.rows = append(r.rows, diff.Row{
			UnionID: string(id) + "iEiE", UserNick: name, JoinTime: epoch + rng.Int64N(4*3600_000), Status: diff.StatusActive, Host: i == 0,
		})
	}
	r.now += 5 * 3600_000
	return r
}

func TestTenThousandPeopleFit(t *testing.T) {
	t.Parallel()
	const people = 10_000
	p := open(t, connect(t, startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })), Options{})
	r := crowd(people)
	rec := update(t, p, r)
	assert.Equal(t, uint64(people), rec.State.Sequence)
	size := len(fetch(t, p.nc, AllStates)[0].Data())
	t.Logf("the state of %d people takes %d bytes", people, size)
	assert.Less(t, int64(size), p.nc.MaxPayload()/2)

	again := load(t, p, r.id)
	assert.Equal(t, people, again.State.Size())
	assert.Empty(t, diff.Compare(again.State, r.snapshot()).Events)
}

func TestStateThatDoesNotFitIsRefusedByName(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) { o.MaxPayload = 4096; o.StoreDir = disk.Fast(t) })
	p := open(t, connect(t, url), Options{})
	r := crowd(400)
	_, _, err := p.Update(t.Context(), load(t, p, r.id), r.compare())
	require.ErrorIs(t, err, ErrTooLarge)
	assert.ErrorContains(t, err, "meeting all-hands: the state is too large")
	assert.ErrorContains(t, err, "the server takes 4096")
	assert.Empty(t, fetch(t, p.nc, "conference.>"))

	r = newRoom("room").join(strings.Repeat("x", 5000))
	_, _, err = p.Update(t.Context(), load(t, p, r.id), r.compare())
	require.ErrorIs(t, err, ErrTooLarge)
	assert.ErrorContains(t, err, "meeting room: event 1 is too large")
}

func TestStateSurvivesItsEncoding(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 1000} {
		s := diff.Compare(diff.New("all-hands"), crowd(n).snapshot()).State
		data, err := encodeState(s, diff.Key{})
		require.NoError(t, err)
		got, err := decodeState(data, diff.Key{}, "all-hands")
		require.NoError(t, err)
		want, err := s.MarshalBinary()
		require.NoError(t, err)
		have, err := got.MarshalBinary()
		require.NoError(t, err)
		assert.Equal(t, want, have)
	}
}

// stateAs packs raw as a state of the format.
func stateAs(t testing.TB, format byte, raw []byte) []byte {
	t.Helper()
	enc, err := packer()
	require.NoError(t, err)
	return enc.EncodeAll(raw, []byte{format})
}

func TestStatesThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	raw, err := diff.New("room").MarshalBinary()
	require.NoError(t, err)
	newer := append([]byte{0xff}, raw[1:]...)
	other, err := diff.New("other").MarshalBinary()
	require.NoError(t, err)
	p := newPublisher(t, Options{})
	for name, tt := range map[string]struct {
		data  []byte
		want  string
		newer bool
	}{
		"newer format":            {stateAs(t, sealedFormat+1, raw), "format 3", true},
		"newer version inside":    {stateAs(t, plainFormat, newer), "newer version", true},
		"no format":               {stateAs(t, 0, raw), "format 0", false},
		"empty":                   {nil, "empty", false},
		"not packed":              {append([]byte{plainFormat}, "garbage"...), "unpack", false},
		"cut short":               {stateAs(t, plainFormat, raw)[:8], "unpack", false},
		"of another meeting":      {stateAs(t, plainFormat, other), `of meeting "other"`, false},
		"larger than any meeting": {stateAs(t, plainFormat, make([]byte, maxStateSize+1)), "unpack", false},
	} {
		t.Run(name, func(t *testing.T) {
			storeRaw(t, p.nc, "room", tt.data)
			_, err := p.Load(t.Context(), "room")
			require.ErrorContains(t, err, tt.want)
			assert.ErrorContains(t, err, "meeting room")
			assert.Equal(t, tt.newer, errors.Is(err, diff.ErrNewerVersion))
			assert.Equal(t, !tt.newer, errors.Is(err, diff.ErrCorruptState))

			base := Record{State: diff.New("room")}
			_, _, err = p.Update(t.Context(), base, newRoom("room").join("ann").compare())
			require.ErrorContains(t, err, tt.want, "it is not written over")
		})
	}
}

func TestHeadersThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	update(t, p, newRoom("room").join("ann"))
	data := fetch(t, p.nc, AllStates)[0].Data()
	m := nats.NewMsg(ingest + StateSubject("room"))
	m.Header.Set(hdrExpiry, "tomorrow")
	m.Header.Set(nats.MsgRollup, nats.MsgRollupSubject)
	m.Data = data
	_, err := p.js.PublishMsg(t.Context(), m)
	require.NoError(t, err)
	_, err = p.Load(t.Context(), "room")
	require.ErrorContains(t, err, `"tomorrow" is no time`)
	for _, err := range p.All(t.Context()) {
		require.ErrorContains(t, err, "meeting room")
	}
}

func TestAllYieldsEveryStateOnce(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := open(t, nc, Options{})
	for range p.All(t.Context()) {
		t.Fatal("there is none")
	}
	const meetings = 300
	require.NoError(t, errors.Join(each(meetings, func(i int) error {
		_, _, err := p.Update(t.Context(), Record{State: diff.New(meetingName(i))}, newRoom(meetingName(i)).join("ann").compare())
		return err
	})...))
	seen := map[string]bool{}
	for rec, err := range p.All(t.Context()) {
		require.NoError(t, err)
		require.False(t, seen[rec.State.ConferenceID])
		seen[rec.State.ConferenceID] = true
		if len(seen) <= 3 {
			assert.Equal(t, load(t, p, rec.State.ConferenceID).Revision, rec.Revision)
		}
	}
	assert.Len(t, seen, meetings)
	n := 0
	for range p.All(t.Context()) {
		if n++; n == 5 {
			break
		}
	}
	assert.Equal(t, 5, n)
}

func TestAllGoesOnBehindAStateItCannotRead(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	update(t, p, newRoom("first").join("ann"))
	storeRaw(t, p.nc, "broken", []byte{99})
	update(t, p, newRoom("last").join("ann"))
	var good, bad int
	for rec, err := range p.All(t.Context()) {
		if err != nil {
			bad++
			require.ErrorIs(t, err, diff.ErrNewerVersion)
			assert.ErrorContains(t, err, "meeting broken")
			continue
		}
		good++
		assert.Equal(t, uint64(1), rec.State.Sequence)
	}
	assert.Equal(t, 2, good)
	assert.Equal(t, 1, bad)
}

func TestAllEndsWithItsContextAndItsStream(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	update(t, p, newRoom("room").join("ann"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range p.All(ctx) {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	for _, err := range p.All(t.Context()) {
		require.ErrorIs(t, err, jetstream.ErrStreamNotFound)
	}
}

// TestStateOutlivesItsServersYears closes a meeting whose events were once to be kept for 240
// years.
func TestStateOutlivesItsServersYears(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: time.Hour})
	r := newRoom("room").join("ann")
	base := Record{State: diff.New(r.id), EventsExpire: time.Now().AddDate(240, 0, 0).Unix()}
	rec := commit(t, p, base, r)
	r.over = true
	closed := commit(t, p, rec, r.leave("ann"))
	awaitExpiry(t, p)
	got := load(t, p, r.id)
	assert.Equal(t, closed.Revision, got.Revision)
	assert.NotEqual(t, diff.Watched, got.State.Phase)
}

// TestTheLongestRetentionKeeps stores events, and their meeting's last state, for as long as is
// allowed.
func TestTheLongestRetentionKeeps(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{Retention: maxRetention})
	r := newRoom("room").join("ann")
	rec := commit(t, p, load(t, p, r.id), r)
	r.over = true
	closed := commit(t, p, rec, r.leave("ann"))
	awaitExpiry(t, p)
	assert.Equal(t, closed.Revision, load(t, p, r.id).Revision)
	assert.Len(t, verify(t, p.nc, p, r.id), 2)
}

// awaitExpiry waits until the server has removed what is expired.
func awaitExpiry(t *testing.T, p *Publisher) {
	t.Helper()
	ack, err := p.js.Publish(t.Context(), ingest+"rollcall.test.brief", nil, jetstream.WithMsgTTL(time.Second))
	require.NoError(t, err)
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := st.GetMsg(t.Context(), ack.Sequence)
		return errors.Is(err, jetstream.ErrMsgNotFound)
	}, maxResends, 10*time.Millisecond)
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 5e8)
	e := expiry(0).after(now, time.Hour)
	assert.Equal(t, expiry(4601), e)
	assert.Equal(t, e, e.after(now, time.Second), "it does not shrink")
	assert.Equal(t, never, e.after(now, 0))
	assert.Equal(t, never, never.after(now, time.Hour))
	assert.Zero(t, never.ttl(now))
	assert.Equal(t, closedMargin, e.ttl(time.Unix(9999, 0)), "never less than the margin")
	assert.Equal(t, time.Hour+500*time.Millisecond+closedMargin, e.ttl(now))
	assert.Zero(t, (never - 1).ttl(now), "as good as never")
	assert.Equal(t, maxRetention+2*closedMargin, expiry(0).after(now, maxRetention).ttl(now.Truncate(time.Second).Add(time.Second-closedMargin)))
	for _, e := range []expiry{0, 4601, never} {
		got, err := parseExpiry(e.String())
		require.NoError(t, err)
		assert.Equal(t, e, got)
	}
	_, err := parseExpiry("-1")
	require.Error(t, err)
	assert.Equal(t, "2s", formatTTL(1001*time.Millisecond))
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	id := "6321a_B-c"
	want := fmt.Sprintf("rollcall.state.%d.%s", events.Shard(id), id)
	assert.Equal(t, want, StateSubject(id))
	assert.True(t, isOf(want, nil))
	assert.True(t, isOf(want, []int{1, events.Shard(id)}))
	assert.False(t, isOf(want, []int{events.Shard(id) + 1}))
	got, err := meetingOf(want)
	require.NoError(t, err)
	assert.Equal(t, id, got)
	for _, subject := range []string{
		markSubject, "rollcall.state." + id, want + "." + id, want + "$", want + strings.Repeat("x", 128),
		fmt.Sprintf("rollcall.state.%d.%s", events.Shard(id)+1, id),
	} {
		_, err := meetingOf(subject)
		require.ErrorIs(t, err, diff.ErrCorruptState, subject)
	}
}

func FuzzDecodeState(f *testing.F) {
	good, err := encodeState(diff.Compare(diff.New("all-hands"), crowd(3).snapshot()).State, diff.Key{})
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{plainFormat, 0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeState(data, diff.Key{}, "all-hands")
		require.Equal(t, err == nil, s != nil)
		if err != nil && !errors.Is(err, diff.ErrNewerVersion) {
			require.ErrorIs(t, err, diff.ErrCorruptState, "a reader of all states goes on with the next")
		}
	})
}
