package publisher

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// someone is a pseudonym, as versions without metadata made them.
const someone = "p-269b1fbeb7759591efe58eb98c3020b8"

// info is the stream as it is now.
func info(t *testing.T, p *Publisher) *jetstream.StreamInfo {
	t.Helper()
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	return st.CachedInfo()
}

// refusedPrivacy opens what has to be refused, and makes sure that nothing is changed by it.
func refusedPrivacy(t *testing.T, nc *nats.Conn, want Privacy, says string) *PrivacyError {
	t.Helper()
	state := func() any {
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		st, err := js.Stream(t.Context(), events.Stream)
		if err != nil {
			return err.Error()
		}
		return []any{st.CachedInfo().Config, st.CachedInfo().State.LastSeq, st.CachedInfo().Created}
	}
	before := state()
	_, err := Open(t.Context(), nc, Options{Privacy: want})
	var refused *PrivacyError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, says)
	require.ErrorAs(t, CheckPrivacy(t.Context(), nc, want), &refused)
	assert.Equal(t, before, state(), "nothing is touched")
	return refused
}

func TestAStreamTellsOfPeopleInOneWay(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	mine := Privacy{Mode: Pseudonymous, Key: "k1"}
	p := open(t, nc, Options{Privacy: mine})
	assert.Equal(t, "pseudonym", info(t, p).Config.Metadata["rollcall_privacy"])
	assert.Equal(t, "k1", info(t, p).Config.Metadata["rollcall_privacy_key"])
	update(t, p, newRoom("room").join("ann"))

	assert.False(t, refusedPrivacy(t, nc, Privacy{Mode: Full}, "--privacy-switch").Key)
	assert.True(t, refusedPrivacy(t, nc, Privacy{Mode: Pseudonymous, Key: "k2"}, "--privacy-switch").Key)
	require.NoError(t, CheckPrivacy(t.Context(), nc, mine))
	open(t, nc, Options{Privacy: mine})
	still(t, nc, Options{}) // who tells of nobody

	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	require.Eventually(t, func() bool { // it is made again by the one who misses it
		_, err := p.Load(t.Context(), "room")
		return err == nil
	}, maxResends, 10*time.Millisecond)
	assert.Equal(t, "k1", info(t, p).Config.Metadata["rollcall_privacy_key"])
}

// Who goes on with another way has to say so, and the replicas that run stop by themselves.
func TestPrivacyIsSwitchedOnPurpose(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	first, err := Open(t.Context(), nc, Options{Privacy: Privacy{Mode: Full}, CompareEvery: 20 * time.Millisecond})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- first.Run(t.Context()) }()
	update(t, first, newRoom("room").join("ann"))

	second := open(t, nc, Options{Privacy: Privacy{Mode: Pseudonymous, Key: "k1", Switch: true}})
	assert.Equal(t, "k1", info(t, second).Config.Metadata["rollcall_privacy_key"])
	var refused *PrivacyError
	require.ErrorAs(t, <-ended, &refused)
	open(t, nc, Options{Privacy: Privacy{Mode: Pseudonymous, Key: "k2", Switch: true}})
	refusedPrivacy(t, nc, Privacy{Mode: Full}, "is kept as pseudonym")
	third := open(t, nc, Options{Privacy: Privacy{Mode: Full, Switch: true}})
	assert.NotContains(t, info(t, third).Config.Metadata, "rollcall_privacy_key")
}

// A stream of a version that wrote no metadata gets them at the first start that contradicts no
// event.
func TestAnOldStreamLearnsHowItTells(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stored string // who is in it; nobody when empty
		want   Privacy
		says   string // is refused with that
	}{
		"nobody, full":               {"", Privacy{Mode: Full}, ""},
		"nobody, pseudonyms":         {"", Privacy{Mode: Pseudonymous, Key: "k"}, ""},
		"nobody, short key":          {"", Privacy{Mode: Pseudonymous, Key: "k", Weak: true}, "too short"},
		"names, full":                {"ann", Privacy{Mode: Full}, ""},
		"names, pseudonyms":          {"ann", Privacy{Mode: Pseudonymous, Key: "k"}, "is kept as full"},
		"pseudonyms":                 {someone, Privacy{Mode: Pseudonymous, Key: "k"}, ""},
		"pseudonyms by a short key":  {someone, Privacy{Mode: Pseudonymous, Key: "k", Weak: true}, ""},
		"pseudonyms, full":           {someone, Privacy{Mode: Full}, "is kept as pseudonym"},
		"names, switched":            {"ann", Privacy{Mode: Pseudonymous, Key: "k", Switch: true}, ""},
		"names, switched, short key": {"ann", Privacy{Mode: Pseudonymous, Key: "k", Weak: true, Switch: true}, "too short"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
			old := open(t, nc, Options{})
			if c.stored != "" {
				update(t, old, newRoom("room").join(c.stored))
			}
			if c.says != "" {
				refusedPrivacy(t, nc, c.want, c.says)
				return
			}
			p := open(t, nc, Options{Privacy: c.want})
			assert.Equal(t, c.want.Mode, info(t, p).Config.Metadata["rollcall_privacy"])
			assert.Equal(t, c.want.Key, info(t, p).Config.Metadata["rollcall_privacy_key"])
			if c.want.Weak {
				open(t, nc, Options{Privacy: c.want})
				other := c.want
				other.Key, other.Switch = "k2", true
				refusedPrivacy(t, nc, other, "too short")
			}
		})
	}
}

// TestMetadataThatAreGoneAreWrittenAgain: an operator may edit the stream.
func TestMetadataThatAreGoneAreWrittenAgain(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := open(t, nc, Options{Privacy: Privacy{Mode: Full}, CompareEvery: 20 * time.Millisecond})
	cfg := info(t, p).Config
	cfg.Metadata = nil
	_, err := p.js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return info(t, p).Config.Metadata["rollcall_privacy"] == "full"
	}, maxResends, 10*time.Millisecond)
}
