package natstest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Anew makes a stream in the place of one that was deleted just now. The server may refuse that
// while it is still busy with the files of the other one (code 10049, "error creating store for
// stream").
func Anew(t testing.TB, create func() error) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) { require.NoError(c, create()) }, time.Minute, time.Millisecond)
}
