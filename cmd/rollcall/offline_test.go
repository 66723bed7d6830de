package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/audit"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/publisher"
)

// TestAnExportIsProvenOffline with nothing but the file and the public key.
func TestAnExportIsProvenOffline(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	pair, err := nkeys.FromRawSeed(nkeys.PrefixByteUser, bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	public, err := pair.PublicKey()
	require.NoError(t, err)
	r := server.RecordAs(publisher.Options{Signer: pair})
	for _, id := range []string{"a", "b"} {
		r.Watch(id, streamtest.Begin, diff.Description{Title: "Weekly"})
		r.Join(id)
		r.End(id, streamtest.Begin+90_000)
	}
	js := server.JetStream()
	ctx, stop := context.WithCancel(t.Context())
	var logging sync.WaitGroup
	logging.Go(func() {
		audit.New(audit.Options{
			JetStream: js, Signer: pair, Teller: r.Publisher, Interval: time.Nanosecond, Mine: func() bool { return true },
		}).Run(ctx)
	})
	var note []byte
	require.Eventually(t, func() bool {
		note, err = audit.Checkpoint(t.Context(), js)
		return err == nil && bytes.Contains(note, []byte("\n2\n"))
	}, time.Minute, 10*time.Millisecond)
	stop()
	logging.Wait()

	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	status, text, said := call(t, nil, "replay", "--evidence", "--nats-url="+server.URL())
	require.Equal(t, 0, status, said)
	assert.Contains(t, said, "rollcall: evidence of 2 meetings with ")
	file, kept := write("file", text), write("kept", string(note))
	event, err := events.Encode(events.Event{
		ID: "x", Source: events.SourceOf(""), Type: events.AuditCheckpoint, Time: time.Unix(1, 0), RecordedTime: time.Unix(1, 0),
		Checkpoint: &events.Checkpoint{Checkpoint: string(note)},
	})
	require.NoError(t, err)
	for _, older := range []string{kept, write("event", string(event)+"\n")} {
		status, line, said := call(t, nil, "verify", "--offline", file, "--all", "--key", public, "--key="+public, "--checkpoint", older)
		assert.Equal(t, 0, status, line)
		assert.Regexp(t, `^proven: 2 meetings, \d+ events, log of 2 at [0-9T:-]+Z with nothing missing, key `+public+"\n$", line)
		assert.Empty(t, said)
	}
	changed := strings.Replace(text, "Weekly", "weekly", 1)
	number := strings.Count(changed[:strings.Index(changed, "weekly")], "\n") + 1
	status, line, said := call(t, nil, "verify", "--offline", write("changed", changed), "--key="+public)
	assert.Equal(t, 3, status)
	assert.Empty(t, said)
	assert.Equal(t, 1, strings.Count(line, "\n"))
	assert.True(t, strings.HasPrefix(line, fmt.Sprintf("%s:%d: ", filepath.Join(dir, "changed"), number+1)), line)
	other, err := nkeys.CreateUser()
	require.NoError(t, err)
	foreign, err := other.PublicKey()
	require.NoError(t, err)
	status, line, _ = call(t, nil, "verify", "--offline", file, "--key="+foreign)
	assert.Equal(t, 3, status)
	assert.Contains(t, line, "which is none of the keys")
	status, line, _ = call(t, nil, "verify", "--offline", file, "--key="+public, "--checkpoint", write("wrong", strings.Replace(string(note), "\n2\n", "\n3\n", 1)))
	assert.Equal(t, 3, status)
	assert.Contains(t, line, "wrong:1: ")
}
