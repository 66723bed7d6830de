package conn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

func TestContextsInClearTextAreWarnedOf(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		context  fields
		settings config.NATS
		warned   bool
	}{
		"password":                  {fields{"url": "nats://n1", "user": "u", "password": "hunter2"}, config.NATS{}, true},
		"token":                     {fields{"url": "n1", "token": "hunter2"}, config.NATS{}, true},
		"user in the URL":           {fields{"url": "nats://u:hunter2@n1"}, config.NATS{}, true},
		"server of the settings":    {fields{"url": "tls://n1", "token": "hunter2"}, config.NATS{URL: config.Servers{"nats://n2"}}, true},
		"TLS":                       {fields{"url": "tls://n1", "token": "hunter2"}, config.NATS{}, false},
		"TLS by a file":             {fields{"url": "nats://n1", "token": "hunter2", "ca": "/ca"}, config.NATS{}, false},
		"TLS by a file of settings": {fields{"url": "nats://n1", "token": "hunter2"}, config.NATS{CA: "/ca"}, false},
		"TLS at once":               {fields{"url": "nats://n1", "token": "hunter2", "tls_first": true}, config.NATS{}, false},
		"this machine":              {fields{"url": "nats://127.0.0.1", "token": "hunter2"}, config.NATS{}, false},
		"no password":               {fields{"url": "nats://n1", "creds": "/u.creds"}, config.NATS{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			store(t, dir, "mine", c.context)
			c.settings.Context = "mine"
			got := conn.Cautions(c.settings, environment("XDG_CONFIG_HOME", dir))
			if !c.warned {
				assert.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			assert.Contains(t, got[0].Text, "clear text")
			assert.NotContains(t, got[0].Text, "hunter2")
		})
	}
	assert.Empty(t, conn.Cautions(config.NATS{Context: "none"}, environment("XDG_CONFIG_HOME", dir)))
}
