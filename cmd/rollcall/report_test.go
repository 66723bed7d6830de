package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/stored/report"
)

func TestReport(t *testing.T) {
	t.Parallel()
	s, _ := recorded(t)
	for format, want := range map[string]string{
		"table": "Nick of ann       1   11-15 06:13:25+08:00   11-15 06:13:50+08:00   0:00:25",
		"csv":   "ann,Nick of ann,,1,2023-11-15T06:13:25+08:00,2023-11-15T06:13:50+08:00,25.000,0:00:25",
		"svg":   `viewBox="0 0 1200`,
		"html":  "<!DOCTYPE html>",
		"json":  `"conferenceId": "a"`,
	} {
		t.Run(format, func(t *testing.T) {
			status, stdout, stderr := call(t, []string{"ROLLCALL_NATS_URL=" + s.URL()}, "report", "a", "--format", format, "--zone=Asia/Shanghai")
			require.Equal(t, 0, status, stderr)
			assert.Contains(t, stdout, want)
			assert.NotContains(t, stdout, "bob", "who was in another meeting")
			assert.Empty(t, stderr)
		})
	}
	t.Run("for a program", func(t *testing.T) {
		status, stdout, stderr := call(t, nil, "report", "a", "--nats-url="+s.URL())
		require.Equal(t, 0, status, stderr)
		var r report.Report
		require.NoError(t, json.Unmarshal([]byte(stdout), &r))
		assert.Len(t, r.People, 2)
		assert.EqualValues(t, 25_000, r.People[0].Total)
	})
	t.Run("for a terminal", func(t *testing.T) {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, null.Close()) })
		var stderr strings.Builder
		assert.Equal(t, 0, run(t.Context(), []string{"report", "a", "--nats-url=" + s.URL()}, nil, null, &stderr), stderr.String())
	})
	t.Run("of nothing", func(t *testing.T) {
		status, stdout, stderr := call(t, nil, "report", "nobodys", "--nats-url="+s.URL())
		assert.Equal(t, 1, status)
		assert.Empty(t, stdout)
		assert.Equal(t, "rollcall: meeting nobodys: no event is stored\n", stderr)
	})
}
