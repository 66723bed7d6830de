package verify_test

import (
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/verify"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/publisher"
)

// tampered puts the messages of a meeting into another stream, by other hands, and follows their
// chain.
func tampered(t *testing.T, s *streamtest.Server, msgs []*nats.Msg) verify.Chain {
	t.Helper()
	js := s.JetStream()
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.NoError(t, st.Purge(t.Context()))
	for _, m := range msgs {
		_, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "rollcall.in." + m.Subject, Data: m.Data})
		require.NoError(t, err)
	}
	return chainOf(t, js, "a")
}

func chainOf(t *testing.T, js jetstream.JetStream, meeting string) verify.Chain {
	t.Helper()
	c, err := verify.ReadChain(t.Context(), js, meeting)
	require.NoError(t, err)
	return c
}

// storedOf are a meeting's messages as they are stored.
func storedOf(t *testing.T, js jetstream.JetStream, meeting string) (msgs []*nats.Msg) {
	t.Helper()
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	for seq := st.CachedInfo().State.FirstSeq; seq <= st.CachedInfo().State.LastSeq; seq++ {
		m, err := st.GetMsg(t.Context(), seq)
		if err == nil && len(m.Subject) > 14 && m.Subject[:14] == "conference.id." {
			msgs = append(msgs, &nats.Msg{Subject: m.Subject, Data: m.Data})
		}
	}
	require.NotEmpty(t, msgs)
	return msgs
}

func TestTheChainOfWhatIsStored(t *testing.T) {
	t.Parallel()
	key, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := key.PublicKey()
	require.NoError(t, err)
	s := streamtest.Start(t)
	r := s.RecordAs(publisher.Options{Signer: key})
	r.Watch("a", streamtest.Begin, diff.Description{Title: "Weekly"})
	r.Look("a", streamtest.Begin+10_000, active("ann", 1), active("bob", 2))
	r.Commit("a", func(s *diff.State) diff.Result {
		return diff.Gap{From: streamtest.Begin + 20_000, At: streamtest.Begin + 60_000, Reason: events.GapDown}.Apply(s)
	})
	r.End("a", streamtest.Begin+90_000, active("ann", 1), active("bob", 2))
	js := s.JetStream()
	whole := chainOf(t, js, "a")
	assert.Empty(t, whole.Broken)
	assert.True(t, whole.Sealed)
	assert.Equal(t, []string{public}, whole.Keys)
	assert.Zero(t, whole.Before+whole.Erased+whole.Restarts+int(whole.Expired))
	msgs := storedOf(t, js, "a")
	assert.Len(t, msgs, whole.Events)
	r.Stop()

	for i := range msgs {
		changed := slices.Clone(msgs)
		at := len(msgs[i].Data) - 12
		changed[i] = &nats.Msg{Subject: msgs[i].Subject, Data: slices.Concat(msgs[i].Data[:at], []byte{msgs[i].Data[at] ^ 1}, msgs[i].Data[at+1:])}
		assert.NotEmpty(t, tampered(t, s, changed).Broken, "event %d is changed", i)
		assert.NotEmpty(t, tampered(t, s, slices.Insert(slices.Clone(msgs), i, msgs[i])).Broken, "event %d is there twice", i)
		without := tampered(t, s, slices.Delete(slices.Clone(msgs), i, i+1))
		switch i {
		case 0:
			assert.Empty(t, without.Broken)
			assert.EqualValues(t, 1, without.Expired, "the first is missing, as the seal says")
		case len(msgs) - 1:
			assert.Equal(t, len(msgs)-1, without.Events, "no chain shows that there was more: that is what the log is for")
		default:
			assert.NotEmpty(t, without.Broken, "event %d is missing", i)
		}
	}
	unproven := tampered(t, s, msgs[1:2])
	assert.Contains(t, unproven.Broken, "no seal")
	e, err := events.Decode(msgs[0].Data)
	require.NoError(t, err)
	e.Previous, e.Salt = "", ""
	plain, err := events.Encode(e)
	require.NoError(t, err)
	old := &nats.Msg{Subject: msgs[0].Subject, Data: plain}
	before := tampered(t, s, append([]*nats.Msg{old}, msgs...))
	assert.Empty(t, before.Broken)
	assert.Equal(t, 1, before.Before)
	assert.NotEmpty(t, tampered(t, s, append(slices.Clone(msgs), old)).Broken)
	assert.NotEmpty(t, tampered(t, s, append([]*nats.Msg{old}, msgs[1:]...)).Broken)
}

// A chain that begins anew says that all that was stored before was lost.
func TestAChainThatBeginsAnew(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	r.Commit("a", func(s *diff.State) diff.Result {
		return diff.All{diff.Restore{At: streamtest.Begin}, diff.Start{At: streamtest.Begin}}.Apply(s)
	})
	r.Look("a", streamtest.Begin+10_000, active("ann", 1))
	c := chainOf(t, s.JetStream(), "a")
	assert.Empty(t, c.Broken)
	assert.Equal(t, 1, c.Restarts)
	assert.Equal(t, 2, c.Events)
	assert.Zero(t, chainOf(t, s.JetStream(), "b"))
}
