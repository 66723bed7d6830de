package xcheck_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// marker is a meeting of its own, whose pushes say that those before have been sent.
const marker = "marker"

// TestLooksFindOutTheTruth polls random meetings at random times.
func TestLooksFindOutTheTruth(t *testing.T) {
	const histories = 10
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			events := 0
			for seed := range uint64(histories) {
				h := newWatched(t, k, seed)
				for over := false; !over; {
					over = h.pass(1)
					h.look(over)
				}
				assert.Empty(t, h.differences(), "seed %d", seed)
				events += len(h.found)
			}
			assert.Greater(t, events, 10*histories)
		})
	}
}
