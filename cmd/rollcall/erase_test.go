package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/stored/forget"
)

func asked[T any](t *testing.T, args ...string) (out T) {
	t.Helper()
	status, stdout, stderr := call(t, nil, args...)
	require.Equal(t, 0, status, stderr)
	require.NoError(t, json.Unmarshal([]byte(stdout), &out), stdout)
	return out
}

func TestPersonAndErase(t *testing.T) {
	t.Parallel()
	s, _ := recorded(t)
	url := "--nats-url=" + s.URL()
	found := asked[forget.Person](t, "person", url, "ann")
	assert.Equal(t, "ann", found.UnionID)
	assert.Len(t, found.Events, 3)
	require.Len(t, found.Meetings, 2)
	assert.Equal(t, "watched", found.Meetings[1].State)
	assert.Equal(t, "Nick of ann", found.Meetings[1].Listed[0].UserNick)
	status, stdout, stderr := call(t, nil, "person", url, "--format=csv", "ann")
	require.Equal(t, 0, status, stderr)
	assert.Equal(t, 1+3+2, strings.Count(stdout, "\n"), stdout)
	assert.JSONEq(t, `{"unionId":"nobody","events":[],"meetings":[]}`, func() string {
		_, stdout, _ := call(t, nil, "person", url, "nobody")
		return stdout
	}())

	expected := asked[forget.Answer](t, "erase", url, "ann", "--dry-run")
	assert.Equal(t, []string{"a", "b"}, expected.Waiting)
	got := asked[forget.Answer](t, "erase", url, "ann", "--reason=asked", "--notice=0")
	assert.Equal(t, expected, got)
	assert.Contains(t, got.Unreachable, "backups and snapshots of the stream that were taken before")
	assert.Len(t, asked[forget.Person](t, "person", url, "ann").Events, 3, "they wait for the meetings to end")

	for _, named := range []string{"--reason=ann asked", "--by=ann"} {
		status, stdout, stderr = call(t, nil, "erase", url, "ann", "--reason=asked", named)
		assert.Equal(t, 2, status, named)
		assert.Contains(t, stderr, "names the person")
		assert.Empty(t, stdout)
	}
	status, stdout, stderr = call(t, nil, "erase", url, "nobody", "--reason=asked")
	require.Equal(t, 0, status, stderr)
	assert.JSONEq(t, `{"meetings":0,"events":0,"waiting":[],"unreachable":[]}`, stdout)
}

func TestWrongOrders(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"reason":         {"erase", "ann"},
		"--meeting":      {"erase", "--reason=x"},
		"meeting":        {"erase", "ann", "--meeting=m", "--reason=x"},
		"conferenceId":   {"erase", "--guest=Vera", "--meeting=a.b", "--reason=x"},
		"notice":         {"erase", "ann", "--reason=x", "--notice=-1s"},
		"longer than":    {"erase", "ann", "--reason=" + strings.Repeat("x", 1001)},
		"either a union": {"person", "ann", "--guest=Vera"},
	} {
		status, stdout, stderr := call(t, nil, args...)
		assert.Equal(t, 2, status, args)
		assert.Contains(t, stderr, says)
		assert.Empty(t, stdout)
	}
}
