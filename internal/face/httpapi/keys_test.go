package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

type fakeKeys func() ([]Key, error)

func (f fakeKeys) SealingKeys(context.Context) ([]Key, error) { return f() }

func TestKeysAreOpenToAll(t *testing.T) {
	one, two := "U"+strings.Repeat("A", 55), "U"+strings.Repeat("B", 55)
	since := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	keys, err := []Key{{Public: one, Current: true, Since: since}, {Public: two, Since: since}}, error(nil)
	ready := make(chan struct{})
	opts := Options{
		Access: withToken(t, "secret"), Keys: fakeKeys(func() ([]Key, error) { return keys, err }), Ready: ready,
		NotReady: func() error { return errors.New("waits for NATS") },
	}
	from := func(r *http.Request) { r.RemoteAddr = "192.0.2.1:4711" }
	problemOf(t, request(t, opts, http.MethodGet, "/v1/keys", "", from), http.StatusServiceUnavailable)
	close(ready)
	resp := request(t, opts, http.MethodGet, "/v1/keys", "", from)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.JSONEq(t, `{"keys":[{"public":"`+one+`","current":true,"since":"2026-11-30T09:00:00Z"},{"public":"`+two+`","current":false,"since":"2026-11-30T09:00:00Z"}]}`,
		bodyOf(t, resp))
	keys = nil
	assert.JSONEq(t, `{"keys":[]}`, bodyOf(t, request(t, opts, http.MethodGet, "/v1/keys", "", from)))
	err = errors.New("the server does not answer")
	problemOf(t, request(t, opts, http.MethodGet, "/v1/keys", "", from), http.StatusServiceUnavailable)
	problemOf(t, request(t, opts, http.MethodGet, "/v1/keys?all=1", "", from), http.StatusBadRequest)
	problemOf(t, request(t, opts, http.MethodPost, "/v1/keys", "", from), http.StatusMethodNotAllowed)
}
