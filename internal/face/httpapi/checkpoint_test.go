package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notes answers with a note, or fails.
type notes struct {
	note []byte
	err  error
}

func (n *notes) Checkpoint(context.Context) ([]byte, error) { return n.note, n.err }

// TestTheCheckpointIsForEverybody as it is, once there is one.
func TestTheCheckpointIsForEverybody(t *testing.T) {
	log := &notes{}
	opts := Options{Access: withToken(t, "right"), Audit: log}
	assert.Equal(t, http.StatusNotFound, request(t, opts, http.MethodGet, "/v1/checkpoint", "").StatusCode)
	log.note = []byte("rollcall/a\n1\nAA==\n\n— rollcall/a AA==\n")
	answer := request(t, opts, http.MethodGet, "/v1/checkpoint", "")
	got, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Equal(t, log.note, got)
	assert.Equal(t, "text/plain; charset=utf-8", answer.Header.Get("Content-Type"))
	assert.Equal(t, http.StatusBadRequest, request(t, opts, http.MethodGet, "/v1/checkpoint?size=1", "").StatusCode)
	assert.Equal(t, http.StatusMethodNotAllowed, request(t, opts, http.MethodPut, "/v1/checkpoint", "").StatusCode)
	log.err = errors.New("away")
	assert.Equal(t, http.StatusServiceUnavailable, request(t, opts, http.MethodGet, "/v1/checkpoint", "").StatusCode)
	closed := make(chan struct{})
	opts.Ready, opts.NotReady = closed, func() error { return errors.New("not yet") }
	assert.Equal(t, http.StatusServiceUnavailable, request(t, opts, http.MethodGet, "/v1/checkpoint", "").StatusCode)
	assert.Equal(t, http.StatusNotFound, request(t, Options{}, http.MethodGet, "/v1/checkpoint", "").StatusCode)
}
