package service

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// signerOf returns the public key that a service with these settings seals with, empty without one,
// and what it logs.
func signerOf(t *testing.T, s config.Settings) (string, string, error) {
	t.Helper()
	var log logbuffer.Buffer
	svc := &service{opts: Options{Settings: s}, log: slog.New(slog.NewTextHandler(io.MultiWriter(&log, io.Discard), nil))}
	key, err := svc.signer()
	if err != nil || key == nil {
		return "", log.String(), err
	}
	public, err := key.PublicKey()
	require.NoError(t, err)
	return public, log.String(), nil
}

// TestTheKeyThatSeals is made with an embedded server, named for another one, or said to be
// missing.
func TestTheKeyThatSeals(t *testing.T) {
	t.Parallel()
	own := config.Settings{Store: config.Store{DataDir: t.TempDir()}}
	made, log, err := signerOf(t, own)
	require.NoError(t, err)
	assert.Contains(t, log, made)
	assert.Contains(t, log, "keep a copy")
	again, log, err := signerOf(t, own)
	require.NoError(t, err)
	assert.Equal(t, made, again)
	assert.Contains(t, log, made)

	file := filepath.Join(own.Store.DataDir, "signing.nk")
	external := config.Settings{NATS: config.NATS{URL: config.Servers{"nats://127.0.0.1:4222"}}, Store: own.Store}
	none, log, err := signerOf(t, external)
	require.NoError(t, err)
	assert.Empty(t, none)
	assert.Contains(t, log, "chained but not sealed")
	external.Events.SigningKeyFile = file
	named, _, err := signerOf(t, external)
	require.NoError(t, err)
	assert.Equal(t, made, named)

	seed, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, log, string(seed[:8]))
	require.NoError(t, os.WriteFile(file, seed[:20], 0o600))
	for _, s := range []config.Settings{own, external, {Events: config.Events{SigningKeyFile: filepath.Join(t.TempDir(), "missing")}}} {
		_, _, err := signerOf(t, s)
		var usage *config.UsageError
		require.ErrorAs(t, err, &usage)
		assert.Equal(t, "signing-key-file", usage.Setting)
		assert.NotContains(t, err.Error(), string(seed[:20]))
	}
}

// chainOf follows the chain of what is stored of a meeting, and returns its events, the first of
// which is the start.
func chainOf(t *testing.T, natsURL, id string) (out []events.Event) {
	t.Helper()
	list, _ := stored(t, natsURL)
	var chain events.Chain
	for _, e := range list {
		if e.ConferenceID() != id {
			continue
		}
		payload, err := events.Encode(e) // as it is stored, byte for byte
		require.NoError(t, err)
		chain, err = chain.Follow(payload, &e)
		require.NoError(t, err)
		if e.Seal() != nil {
			require.NoError(t, events.CheckSeal(payload, &e))
		}
		out = append(out, e)
	}
	require.NotEmpty(t, out)
	require.Equal(t, events.MeetingStarted, out[0].Type)
	return out
}

// TestAMeetingIsSealedFromItsStart to its end, and again when it goes on, by the key that /v1/keys
// names.
func TestAMeetingIsSealedFromItsStart(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	natsURL := r.ready()
	watchOffice(t, r, sim)
	do(t, sim, history.LiveAction{Do: history.End})
	r.eventually("/v1/meetings/office", http.StatusOK, `"state":"ended"`)
	list := chainOf(t, natsURL, "office")
	ended := list[len(list)-1]
	require.Equal(t, events.MeetingEnded, ended.Type)
	require.NotNil(t, ended.Meeting.Seal)
	assert.EqualValues(t, len(list)-1, ended.Meeting.Seal.Events)
	_, body := r.do(http.MethodGet, "/v1/keys", "")
	var known struct {
		Keys []struct {
			Public  string
			Current bool
			Since   time.Time
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &known), body)
	require.Len(t, known.Keys, 1, body)
	assert.Equal(t, ended.Meeting.Seal.Key, known.Keys[0].Public)
	assert.True(t, known.Keys[0].Current)
	assert.WithinDuration(t, time.Now(), known.Keys[0].Since, patience)

	status, body := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Less(t, status, 300, body)
	lived(t, natsURL, "office", "started", "ended", "started", "ended")
	list = chainOf(t, natsURL, "office")
	again := list[slices.IndexFunc(list, func(e events.Event) bool { return e.Type == events.MeetingEnded })+1]
	require.Equal(t, events.MeetingStarted, again.Type)
	require.NotNil(t, again.Meeting.Seal, "it says what came before")
}
