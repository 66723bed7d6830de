package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/config"
)

// TestWarningsAreLimited whatever they are about, and nothing else is.
func TestWarningsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := logging.New(&out, config.Logging{Format: config.LogJSON})
		count := func(text string) int { return strings.Count(out.String(), text) }
		for i := range 1000 {
			log.With("meeting", i).Warn("its list is odd", "rows", i)
			log.Error(fmt.Sprintf("no such room %d", i%2))
			log.Info("found a meeting", "meeting", i)
		}
		assert.Equal(t, 4, count("its list is odd"))
		assert.Equal(t, 4, count("no such room 0"))
		assert.Equal(t, 4, count("no such room 1"))
		assert.Equal(t, 1000, count("found a meeting"))
		for i := range 1000 {
			log.Error(fmt.Sprintf("write of block %08x failed", i))
		}
		assert.Equal(t, 4, count("write of block"))

		time.Sleep(time.Minute)
		out.Reset()
		log.WithGroup("g").Warn("its list is odd")
		var line struct{ G struct{ Unlogged int } }
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		assert.Equal(t, 996, line.G.Unlogged)

		// Conditions have limits of their own.
		out.Reset()
		changes := logging.NewChanges(log, logging.ChangesOptions{})
		for i := range 20 {
			changes.Failed(fmt.Sprint("part ", i), errors.New("away"))
		}
		assert.Equal(t, 20, count("failing"))

		// However many messages there are, not all are kept in mind.
		for i := range 100_000 {
			log.Warn(fmt.Sprint("message ", i))
		}
		assert.Equal(t, 100_000, count("message "))
	})
}
