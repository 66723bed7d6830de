package publisher

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// TestTheStreamSaysHowOldTheInstallationIs, and goes on saying so when it is changed, opened again,
// or lost and made again.
func TestTheStreamSaysHowOldTheInstallationIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(*testing.T, jetstream.JetStream)
		older  bool
	}{
		"new": {func(*testing.T, jetstream.JetStream) {}, false},
		"older": {func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			_, err := js.CreateStream(t.Context(), streamConfig(1)) // as the versions before did
			require.NoError(t, err)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc := connect(t, startServer(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) }))
			js, err := jetstream.New(nc)
			require.NoError(t, err)
			unknown, err := Older(t.Context(), js)
			require.NoError(t, err)
			assert.False(t, unknown, "there is nothing yet")
			c.before(t, js)
			p := open(t, nc, Options{})
			assert.Equal(t, c.older, p.Older())
			assertOlder(t, js, c.older)

			st, err := js.Stream(t.Context(), events.Stream)
			require.NoError(t, err)
			changed := st.CachedInfo().Config
			changed.Discard = jetstream.DiscardOld // which is changed back when it is opened
			_, err = js.UpdateStream(t.Context(), changed)
			require.NoError(t, err)
			assert.Equal(t, c.older, open(t, nc, Options{}).Older())

			require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
			require.Eventually(t, func() bool { // it is made again by the one who misses it
				_, err := p.Load(t.Context(), "room")
				return err == nil
			}, 30*time.Second, 10*time.Millisecond)
			assertOlder(t, js, c.older)
			assert.Equal(t, c.older, open(t, nc, Options{}).Older())
		})
	}
}

func assertOlder(t *testing.T, js jetstream.JetStream, want bool) {
	t.Helper()
	got, err := Older(t.Context(), js)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
