package embedded

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What clients are refused is no trouble of the server, and what they ask for does not get into the
// log.
func TestClientsFaultsAreNoErrors(t *testing.T) {
	for said, trouble := range map[string]bool{
		`127.0.0.1:1 - cid:6 - "x" - Publish Violation - Subject "secret"`:             false,
		`127.0.0.1:1 - cid:6 - "x" - Subscription Violation - Subject "secret", SID 1`: false,
		`127.0.0.1:1 - cid:6 - authentication error - User "secret"`:                   false,
		`JetStream failed to store a msg on stream '$G > secret'`:                      true,
	} {
		var out bytes.Buffer
		troubled := false
		l := newServerLog(slog.New(slog.NewTextHandler(&out, nil)), func() { troubled = true })
		l.Errorf("%s", said)
		assert.Equal(t, trouble, troubled, said)
		assert.NotEmpty(t, out.String())
		if !trouble {
			assert.NotContains(t, out.String(), "secret")
		}
	}
}
