package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
)

func TestWhereATokenIsRequired(t *testing.T) {
	keys := config.Pushes{WebhookToken: "t", WebhookAESKey: "k", WebhookOwnerKey: "o"}
	apart := keys
	apart.WebhookListen = ":8081"
	for name, c := range map[string]struct {
		http   config.HTTP
		pushes config.Pushes
		says   string
	}{
		"this machine":              {config.HTTP{Listen: "127.0.0.1:8080"}, config.Pushes{}, ""},
		"this machine, IPv6":        {config.HTTP{Listen: "[::1]:8080"}, config.Pushes{}, ""},
		"this machine, by name":     {config.HTTP{Listen: "localhost:8080"}, config.Pushes{}, ""},
		"every interface":           {config.HTTP{Listen: ":8080"}, config.Pushes{}, "others"},
		"every address":             {config.HTTP{Listen: "0.0.0.0:8080"}, config.Pushes{}, "others"},
		"an address of the network": {config.HTTP{Listen: "192.0.2.1:8080"}, config.Pushes{}, "others"},
		"a webhook":                 {config.HTTP{Listen: "127.0.0.1:8080"}, keys, "webhook-listen"},
		"a webhook apart":           {config.HTTP{Listen: "127.0.0.1:8080"}, apart, ""},
		"both":                      {config.HTTP{Listen: ":8080"}, apart, "others"},
		"a token":                   {config.HTTP{Listen: ":8080", APIToken: "t"}, keys, ""},
		"a file of tokens":          {config.HTTP{Listen: ":8080", TokenFile: config.TokenFile{APITokens: "f"}}, keys, ""},
	} {
		err := c.http.CheckToken(c.pushes)
		if c.says == "" {
			assert.NoError(t, err, name)
			continue
		}
		var usage *config.UsageError
		require.ErrorAs(t, err, &usage, name)
		assert.Equal(t, "api-token", usage.Setting, name)
		assert.ErrorContains(t, err, c.says, name)
	}
}
