package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/c4342123/rollcall/internal/base/problem"
)

// Keys lists the keys that seal events.
type Keys interface {
	// SealingKeys returns every key that has sealed events. It is asked by everybody, and is to cost
	// little.
	SealingKeys(ctx context.Context) ([]Key, error)
}

// Key is the public half of a key that seals events, or has done so.
type Key struct {
	Public  string    `json:"public"`  // as nkeys write it: "U..."
	Current bool      `json:"current"` // the replica that answers seals with it
	Since   time.Time `json:"since"`   // when it was first used
}

// keys lists the keys that seal events. Who checks a seal needs them, and they tell of nobody.
func (a *api) keys(w http.ResponseWriter, r *http.Request) {
	if !a.canAnswer(w) {
		return
	}
	keys, err := a.opts.Keys.SealingKeys(r.Context())
	if err != nil {
		fail(w, "", err)
		return
	}
	problem.Reply(w, http.StatusOK, jsonType, struct {
		Keys []Key `json:"keys"`
	}{append([]Key{}, keys...)})
}
