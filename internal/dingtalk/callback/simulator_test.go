package callback

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/simulator"
)

// TestSimulatorFaults: forged, foreign, old and damaged pushes are refused, and genuine ones arrive, by being sent
// again if need be.
func TestSimulatorFaults(t *testing.T) {
	for _, c := range []struct {
		fault simulator.FaultKind
		want  []Outcome // of the push that the fault hits; then Stored for the next
	}{
		{"", []Outcome{Stored}},
		{simulator.FaultPushForged, []Outcome{WrongSignature, Stored}},
		{simulator.FaultPushWrongOwner, []Outcome{Undecipherable, Stored}},
		{simulator.FaultPushOld, []Outcome{Stale, Stale, Stale}}, // it stays old when it is sent again
		{simulator.FaultPushGarbage, []Outcome{Malformed, Malformed, Malformed}},
		{simulator.FaultPushTruncated, []Outcome{Malformed, Malformed, Malformed}},
		{simulator.FaultPushUnknownType, []Outcome{Ignored}},
		{simulator.FaultPushDoubled, []Outcome{Stored, Stored}},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			hook := serve(t, Options{})
			sim := simulate(t, hook)
			if c.fault != "" {
				_, err := sim.AddFaults(simulator.Fault{Kind: c.fault, Next: 1})
				require.NoError(t, err)
			}
			join := func(person string) {
				_, _, err := sim.Do("m", simulator.LiveAction{Do: simulator.Join, Person: person})
				require.NoError(t, err)
			}
			join("Ann")
			require.Equal(t, c.want, hook.seen(len(c.want)))
			join("Bob")
			want := append(c.want, Stored)
			require.Equal(t, want, hook.seen(len(want)))
			pushes := hook.received()
			last := pushes[len(pushes)-1].Notices[0]
			assert.Equal(t, push.MemberJoined, last.Scene)
			assert.Equal(t, "Bob", last.Rows[0].UserNick)
		})
	}
}

// simulate pushes what happens in a meeting that nobody has come to yet.
func simulate(t *testing.T, hook *callback) *simulator.Simulator {
	t.Helper()
	sim, err := simulator.New(simulator.Options{
		Scenario: &simulator.Scenario{Meetings: []simulator.Meeting{{
			ID: "m", Title: "T", Start: simulator.Duration(-time.Minute), People: []simulator.Person{{Nick: "Ann"}, {Nick: "Bob"}},
		}}},
		Settings: simulator.Settings{Push: simulator.PushSettings{
			URL: hook.URL + "/webhooks/dingtalk", Token: testKeys.Token, AESKey: testKeys.AESKey, OwnerKey: testKeys.OwnerKey, Timeout: simulator.Duration(soon),
			Retry: simulator.Duration(time.Millisecond), LastRetry: simulator.Duration(2 * time.Millisecond),
		}},
		NewCipher: func(token, aesKey, ownerKey string) (simulator.Cipher, error) {
			return NewCipher(Keys{Token: token, AESKey: aesKey, OwnerKey: ownerKey})
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.RunPushes(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	return sim
}
