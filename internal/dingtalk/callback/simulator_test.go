package callback

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// TestSimulatorFaults: forged, foreign, old and damaged pushes are refused, and genuine ones
// arrive, by being sent again if need be.
func TestSimulatorFaults(t *testing.T) {
	for _, c := range []struct {
		fault fault.Kind
		want  []Outcome // of the push that the fault hits; then Stored for the next
	}{
		{"", []Outcome{Stored}},
		{fault.PushForged, []Outcome{WrongSignature, Stored}},
		{fault.PushWrongOwner, []Outcome{Undecipherable, Stored}},
		{fault.PushOld, []Outcome{Stale, Stale, Stale}}, // it stays old when it is sent again
		{fault.PushGarbage, []Outcome{Malformed, Malformed, Malformed}},
		{fault.PushTruncated, []Outcome{Malformed, Malformed, Malformed}},
		{fault.PushUnknownType, []Outcome{Ignored}},
		{fault.PushDoubled, []Outcome{Stored, Stored}},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			hook := serve(t, Options{})
			sim := simulate(t, hook)
			if c.fault != "" {
				_, err := sim.AddFaults(fault.Fault{Kind: c.fault, Next: 1})
				require.NoError(t, err)
			}
			join := func(person string) {
				_, _, err := sim.Do("m", history.LiveAction{Do: history.Join, Person: person})
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
		Scenario: &simulator.Scenario{Meetings: []history.Plan{{
			ID: "m", Title: "T", Start: history.Duration(-time.Minute), People: []history.Person{{Nick: "Ann"}, {Nick: "Bob"}},
		}}},
		Settings: simulator.Settings{Push: simulator.PushSettings{
			URL: hook.URL + "/webhooks/dingtalk", Token: testKeys.Token, AESKey: testKeys.AESKey, OwnerKey: testKeys.OwnerKey, Timeout: history.Duration(soon),
			Retry: history.Duration(time.Millisecond), LastRetry: history.Duration(2 * time.Millisecond),
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
