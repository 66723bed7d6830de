package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secretIn writes a secret into a file of that mode.
func secretIn(t *testing.T, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("hunter2"), mode))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

// cautioned runs serve and returns what it is to be warned of.
func cautioned(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	got := call(t, environ, append([]string{"serve"}, args...)...)
	require.Zero(t, got.code, got.stderr)
	var out strings.Builder
	for _, c := range append(got.invocation.Cautions, got.settings.Cautions()...) {
		out.WriteString(c.Text + " > " + c.Remedy + "\n")
	}
	assert.NotContains(t, out.String(), "hunter2")
	return out.String()
}

// logIn sets an OpenID provider at one address and the page at another.
func logIn(provider, page string) []string {
	return []string{
		"ROLLCALL_OIDC_ISSUER=" + provider, "ROLLCALL_OIDC_CLIENT_ID=rollcall", "ROLLCALL_OIDC_SCOPES=staff=read",
		"ROLLCALL_OIDC_REDIRECT_URL=" + page + "/login/oidc/callback",
	}
}

func TestSecretsThatOthersCanReadAreWarnedOf(t *testing.T) {
	open, group, own := secretIn(t, 0o604), secretIn(t, 0o640), secretIn(t, 0o600)
	for name, c := range map[string]struct {
		environ []string
		args    []string
		says    string // nothing when empty
	}{
		"nothing set":                 {base, nil, ""},
		"secret in the environment":   {with("ROLLCALL_API_TOKEN=hunter2hunter2hunter2"), nil, ""},
		"secret by flag":              {base, []string{"--api-token=hunter2hunter2hunter2"}, "--api-token on the command line"},
		"another secret by flag":      {base, []string{"--privacy-key=hunter2"}, "ROLLCALL_PRIVACY_KEY_FILE"},
		"servers with users by flag":  {base, []string{"--nats-url=tls://u:hunter2@a"}, "--nats-url on the command line"},
		"own file":                    {with("ROLLCALL_PRIVACY_KEY_FILE=" + own), nil, ""},
		"file by flag":                {base, []string{"--privacy-key-file=" + own}, ""},
		"file for all":                {with("ROLLCALL_PRIVACY_KEY_FILE=" + open), nil, open + " (privacy-key-file) can be read by others > chmod 600 " + open},
		"file for all, by flag":       {base, []string{"--privacy-key-file=" + open}, open},
		"file for a group":            {with("ROLLCALL_PRIVACY_KEY_FILE=" + group), nil, group},
		"credentials for all":         {with("ROLLCALL_NATS_URL=tls://a", "ROLLCALL_NATS_CREDS="+open), nil, "(nats-creds)"},
		"seed for all":                {with("ROLLCALL_NATS_URL=tls://a", "ROLLCALL_NATS_NKEY="+open), nil, "(nats-nkey)"},
		"key for all":                 {with("ROLLCALL_NATS_URL=tls://a", "ROLLCALL_NATS_CERT=/c", "ROLLCALL_NATS_KEY="+open), nil, "(nats-key)"},
		"key of the embedded server":  {with("ROLLCALL_EMBEDDED_TLS_CERT=/c", "ROLLCALL_EMBEDDED_TLS_KEY="+open), nil, "(embedded-tls-key)"},
		"key of the HTTP listeners":   {with("ROLLCALL_TLS_CERT=/c", "ROLLCALL_TLS_KEY="+open), nil, "(tls-key)"},
		"DingTalk in clear text":      {with("ROLLCALL_DINGTALK_URL=http://proxy.example:80"), nil, "dingtalk-url is http://proxy.example:80"},
		"DingTalk on this machine":    {with("ROLLCALL_DINGTALK_URL=http://127.0.0.1:8090"), nil, ""},
		"DingTalk at localhost":       {with("ROLLCALL_DINGTALK_URL=http://localhost:8090"), nil, ""},
		"NATS with a password":        {with("ROLLCALL_NATS_URL=nats://n1,nats://n2", "ROLLCALL_NATS_USER=u", "ROLLCALL_NATS_PASSWORD=hunter2"), nil, "nats://n1, nats://n2"},
		"NATS with a token":           {with("ROLLCALL_NATS_URL=n1", "ROLLCALL_NATS_TOKEN=hunter2"), nil, "clear text"},
		"NATS with a user in the URL": {with("ROLLCALL_NATS_URL=ws://u:hunter2@n1"), nil, "ws://n1"},
		"NATS over TLS":               {with("ROLLCALL_NATS_URL=tls://n1", "ROLLCALL_NATS_USER=u", "ROLLCALL_NATS_PASSWORD=hunter2"), nil, ""},
		"NATS with an authority":      {with("ROLLCALL_NATS_URL=n1", "ROLLCALL_NATS_CA=/ca", "ROLLCALL_NATS_USER=u", "ROLLCALL_NATS_PASSWORD=hunter2"), nil, ""},
		"NATS on this machine":        {with("ROLLCALL_NATS_URL=[::1]:4222", "ROLLCALL_NATS_USER=u", "ROLLCALL_NATS_PASSWORD=hunter2"), nil, ""},
		"log-in in clear text":        {with(logIn("http://login.example", "https://rollcall.example")...), nil, "oidc-issuer is http://login.example"},
		"log-in back in clear text":   {with(logIn("https://login.example", "http://rollcall.example")...), nil, "oidc-redirect-url is http://rollcall.example"},
		"log-in on this machine":      {with(logIn("http://127.0.0.1:9090", "http://localhost:8080")...), nil, ""},
		"NATS without a password":     {with("ROLLCALL_NATS_URL=n1", "ROLLCALL_NATS_CREDS="+own), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := cautioned(t, c.environ, c.args...)
			if c.says == "" {
				assert.Empty(t, got)
				return
			}
			assert.Contains(t, got, c.says)
			assert.Equal(t, 1, strings.Count(got, "\n"), got)
		})
	}
	t.Run("settings file with a secret in it", func(t *testing.T) {
		path := file(t, "s.yaml", "api_token: hunter2hunter2hunter2\nprivacy_key: hunter2\n")
		require.NoError(t, os.Chmod(path, 0o644))
		got := cautioned(t, base, "--config="+path)
		assert.Contains(t, got, path+" (the settings file, with api_token in it) can be read by others")
		assert.Equal(t, 1, strings.Count(got, "\n"), "once: %s", got)
		require.NoError(t, os.Chmod(path, 0o600))
		assert.Empty(t, cautioned(t, base, "--config="+path))
	})
	t.Run("settings file without secrets", func(t *testing.T) {
		path := file(t, "s.yaml", "log_level: debug\n")
		require.NoError(t, os.Chmod(path, 0o644))
		assert.Empty(t, cautioned(t, base, "--config="+path))
	})
}
