package natstest

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// ForgetIDs has the server forget the ids of messages soon, as it does by itself within minutes. It
// may judge them by the window from before the change, and not again before that is over
// (nats-server 2.15.3): so there are two changes.
func ForgetIDs(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	cfg := st.CachedInfo().Config
	for _, window := range []time.Duration{200 * time.Millisecond, 100 * time.Millisecond} {
		cfg.Duplicates = window
		_, err = js.UpdateStream(t.Context(), cfg)
		require.NoError(t, err)
	}
}
