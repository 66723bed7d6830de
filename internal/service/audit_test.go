package service

import (
	"bytes"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/base/signing"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/stored/audit"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/publisher"
)

// TestWhatEndedIsProven by what two replicas tell of it together, within ten seconds.
func TestWhatEndedIsProven(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	store := streamtest.Start(t)
	file := filepath.Join(t.TempDir(), "signing.nk")
	key, _, err := signing.LoadOrMake(file)
	require.NoError(t, err)
	public, err := key.PublicKey()
	require.NoError(t, err)
	s := external(settings(t, api), store.Address)
	s.Events.SigningKeyFile, s.Events.CheckpointInterval = file, time.Hour
	two := replicas(t, s, 2)
	r := store.RecordAs(publisher.Options{Signer: key, CorpID: s.DingTalk.CorpID})
	for _, replica := range two {
		status, _ := replica.do(http.MethodGet, "/v1/checkpoint", "")
		require.Equal(t, http.StatusNotFound, status)
	}
	r.Watch("over", streamtest.Begin, diff.Description{Title: "Weekly"})
	r.End("over", streamtest.Begin+60_000)
	var notes [][]byte
	for _, replica := range two {
		notes = append(notes, []byte(replica.eventually("/v1/checkpoint", http.StatusOK, "\n1\n")))
		replica.eventually("/readyz?verbose", http.StatusOK, "log of meetings ok")
		replica.eventually("/metrics", http.StatusOK, "rollcall_checkpoint_age_seconds ")
	}
	assert.Equal(t, notes[0], notes[1])
	var out bytes.Buffer
	_, err = audit.Export{JetStream: store.JetStream(), Meeting: "over"}.Write(t.Context(), &out)
	require.NoError(t, err)
	proven, err := evidence.Check([]evidence.File{{Name: "file", Reader: &out}}, evidence.Options{
		Keys: []string{public}, All: true, Older: []evidence.Older{{Name: "older", Note: notes[0]}},
	})
	require.NoError(t, err)
	assert.Contains(t, proven.String(), "proven: 1 meeting, ")
}
