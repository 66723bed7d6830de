package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// told is what a replay printed: who, and what happened to them.
func told(t testing.TB, stdout string) []string {
	t.Helper()
	out := []string{}
	for line := range strings.Lines(stdout) {
		e, err := events.Decode([]byte(line))
		require.NoError(t, err, line)
		out = append(out, strings.Join(strings.Fields(e.ConferenceID()+" "+e.Subject+" "+string(e.Type[strings.LastIndexByte(string(e.Type), '.')+1:])), " "))
	}
	return out
}

// recorded is a stream with two meetings.
func recorded(t testing.TB) (s *streamtest.Server, all []string) {
	t.Helper()
	s = streamtest.Start(t)
	r := s.Record()
	r.Watch("a", streamtest.Begin, diff.Description{})
	r.Look("a", streamtest.Begin+10_000, row("ann", 5, 0))
	r.Look("b", streamtest.Begin+20_000, row("ann", 12, 0), row("bob", 15, 0))
	r.Look("a", streamtest.Begin+40_000, row("ann", 5, 30), row("cho", 31, 0))
	return s, []string{"a started", "a ann joined", "b ann joined", "b bob joined", "a ann left", "a cho joined"}
}

// row is of a person who joined and left that many seconds after the beginning, or is still there.
func row(person string, joined, left int64) diff.Row {
	out := diff.Row{UnionID: person, UserNick: "Nick of " + person, Status: diff.StatusActive, JoinTime: streamtest.Begin + joined*1000}
	if left > 0 {
		out.Status, out.LeaveTime = diff.StatusLeft, streamtest.Begin+left*1000
	}
	return out
}

// What is said at the end of one replay is where the next goes on.
func TestReplayGoesOn(t *testing.T) {
	t.Parallel()
	s, all := recorded(t)
	status, stdout, stderr := call(t, nil, "replay", "--nats-url="+s.URL(), "--meeting=a")
	require.Equal(t, 0, status, stderr)
	assert.Len(t, told(t, stdout), 4)
	position := "--after=" + between(t, stderr, "--after=", " ")

	status, stdout, _ = call(t, nil, "replay", "--nats-url="+s.URL(), "--meeting=a", position)
	require.Equal(t, 0, status)
	assert.Empty(t, stdout)
	r := s.Record()
	r.Joined = 100 // after everybody else
	later := "a " + r.Join("a") + " joined"
	status, stdout, _ = call(t, nil, "replay", "--nats-url="+s.URL(), "--meeting=a", position)
	require.Equal(t, 0, status)
	assert.Equal(t, []string{later}, told(t, stdout))

	// Every event can tell its own position, and is an event all the same.
	status, stdout, stderr = call(t, nil, "replay", "--nats-url="+s.URL(), "--position")
	require.Equal(t, 0, status, stderr)
	require.Equal(t, append(all, later), told(t, stdout))
	for i, line := range strings.SplitAfter(strings.TrimSuffix(stdout, "\n"), "\n") {
		var e struct {
			Position string `json:"streamsequence"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		status, rest, stderr := call(t, nil, "replay", "--nats-url="+s.URL(), "--after="+e.Position)
		require.Equal(t, 0, status, stderr)
		assert.Equal(t, told(t, stdout)[i+1:], told(t, rest))
	}

	status, stdout, stderr = call(t, nil, "replay", "--nats-url="+s.URL(), "--after=1000000")
	assert.Equal(t, 2, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "--after: the stream CONFERENCE does not reach that position")
}

// stopping is a reader that ends what it reads from after so many bytes.
type stopping struct {
	bytes.Buffer
	stop  func()
	after int
	err   error
}

func (s *stopping) Write(p []byte) (int, error) {
	if s.Len() >= s.after {
		s.stop()
		if s.err != nil {
			return 0, s.err
		}
	}
	return s.Buffer.Write(p)
}

// long is a stream with more than is written at a time.
func long(t *testing.T) (*streamtest.Server, int) {
	t.Helper()
	s := streamtest.Start(t)
	r := s.Record()
	const people = 400
	rows := make([]diff.Row, people)
	for i := range rows {
		rows[i] = diff.Row{UnionID: fmt.Sprintf("p%03d", i), Status: diff.StatusActive, JoinTime: streamtest.Begin + int64(i)}
	}
	r.Look("a", streamtest.Begin+10_000, rows...)
	return s, people
}

// An interrupted replay has done what it was told, and says where to go on: in two parts everything
// comes once.
func TestInterruptedReplay(t *testing.T) {
	t.Parallel()
	s, people := long(t)
	ctx, cancel := context.WithCancel(t.Context())
	first, stderr := &stopping{stop: sync.OnceFunc(cancel)}, &bytes.Buffer{}
	require.Equal(t, 0, run(ctx, []string{"replay", "--nats-url=" + s.URL()}, nil, first, stderr), stderr)
	got := told(t, first.String())
	require.NotEmpty(t, got)
	require.Less(t, len(got), people)
	status, rest, _ := call(t, nil, "replay", "--nats-url="+s.URL(), "--after="+between(t, stderr.String(), "--after=", " "))
	require.Equal(t, 0, status)
	got = append(got, told(t, rest)...)
	require.Len(t, got, people)
	for i, line := range got {
		require.Equal(t, fmt.Sprintf("a p%03d joined", i), line)
	}
}

func TestReplayThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s, _ := long(t)
	out, stderr := &stopping{stop: func() {}, after: 1, err: os.ErrDeadlineExceeded}, &bytes.Buffer{}
	assert.Equal(t, 1, run(t.Context(), []string{"replay", "--nats-url=" + s.URL()}, nil, out, stderr))
	assert.Contains(t, stderr.String(), os.ErrDeadlineExceeded.Error())
	position := between(t, stderr.String(), "--after=", " ")
	status, rest, _ := call(t, nil, "replay", "--nats-url="+s.URL(), "--after="+position)
	require.Equal(t, 0, status)
	assert.Equal(t, "a p399 joined", told(t, rest)[len(told(t, rest))-1])
	assert.Len(t, append(told(t, out.String()), told(t, rest)...), 400, "what was not written is not passed over")
}

func TestReplayWhoseReaderGoesAway(t *testing.T) {
	t.Parallel()
	s, _ := long(t)
	tmp := t.TempDir()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	p := launch(t, writer, environment(tmp), "replay", "--nats-url="+s.URL())
	require.NoError(t, writer.Close())
	require.NoError(t, reader.Close())
	p.ends(0, patience)
	assert.Empty(t, p.stderr.String())
}

// On a terminal there are no positions to be copied from between the lines, and what a person typed
// does nothing.
func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	l := jsonLines{w: &out, escape: true}
	require.NoError(t, l.add(reading.Message{Sequence: 1, Data: []byte("{\"a\":\"\u202e\"}")}))
	require.NoError(t, l.add(reading.Message{Sequence: 2, Data: []byte("{\n\"b\": 1\r\n}\n")}))
	l.position = true
	require.NoError(t, l.add(reading.Message{Sequence: 3, Data: []byte("{}")}))
	require.NoError(t, l.add(reading.Message{Sequence: 4, Data: []byte(`{"c":1}`)}))
	for _, data := range []string{"", "[]", "{\n", "x", "{\"a\":1}\n{}"} {
		require.ErrorIs(t, l.add(reading.Message{Sequence: 5, Data: []byte(data)}), reading.ErrNoEvent, "%q", data)
	}
	assert.Zero(t, l.done, "nothing is written yet")
	require.NoError(t, l.flush())
	assert.EqualValues(t, 5, l.done)
	assert.Equal(t, 4, l.count)
	assert.Equal(t, "{\"a\":\"\\u202e\"}\n{\"b\":1}\n{\"streamsequence\":\"3\"}\n{\"streamsequence\":\"4\",\"c\":1}\n", out.String())
}
