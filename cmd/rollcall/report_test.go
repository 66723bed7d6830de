package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportForATerminal(t *testing.T) {
	t.Parallel()
	s, _ := recorded(t)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, null.Close()) })
	var stderr strings.Builder
	assert.Equal(t, 0, run(t.Context(), []string{"report", "a", "--nats-url=" + s.URL()}, nil, null, &stderr), stderr.String())
}
