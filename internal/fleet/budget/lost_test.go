package budget

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestACountThatIsLost goes on from what is known: what was spent stays spent.
func TestACountThatIsLost(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, m *Month){
		"deleted": func(t *testing.T, m *Month) { require.NoError(t, m.store.js.DeleteStream(t.Context(), "KV_"+bucket)) },
		"purged":  func(t *testing.T, m *Month) { require.NoError(t, m.store.stream.Purge(t.Context())) },
		"removed": func(t *testing.T, m *Month) { require.NoError(t, m.store.kv.Purge(t.Context(), "2026-11")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := at(t, "2026-11-10 10:00")
			const limit = 20
			one := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: limit})
			taken := 0
			for range limit / 2 {
				require.NoError(t, one.Take(t.Context(), LastLook))
				taken++
			}
			lose(t, one)
			require.Eventually(t, func() bool {
				err := one.Take(t.Context(), LastLook)
				if err == nil {
					taken++
				}
				return err == nil && stored(t, one, "2026-11").Drawn > limit/2
			}, time.Minute, time.Millisecond)
			taken += spend(t, one, LastLook)
			assert.Equal(t, limit, taken)
			status, err := one.store.kv.Status(t.Context())
			require.NoError(t, err)
			assert.Equal(t, jetstream.FileStorage, status.Config().Storage)
		})
	}
}
