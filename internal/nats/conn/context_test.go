package conn_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

// environment has one variable.
func environment(name, value string) func(string) (string, bool) {
	return func(wanted string) (string, bool) {
		if wanted == name {
			return value, true
		}
		return "", false
	}
}

// home is an environment with nothing but a home directory.
func home(dir string) func(string) (string, bool) { return environment("HOME", dir) }

// store stores a context below dir as the nats tool does.
func store(t *testing.T, dir, name string, content any) {
	t.Helper()
	raw, ok := content.([]byte)
	if !ok {
		var err error
		raw, err = json.Marshal(content)
		require.NoError(t, err)
	}
	path := filepath.Join(dir, "nats", "context", name+".json")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, raw, 0o600))
}

type fields map[string]any

func TestContexts(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t)
	public, seedFile := newSeed(t)
	byJWT, userJWT, seed := decentral(t)
	dir := t.TempDir()
	creds, err := os.ReadFile(credsFile(t, userJWT, seed))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "user.creds"), creds, 0o600))

	cases := map[string]struct {
		server  server.Options
		context fields
	}{
		"nothing but the URL": {server.Options{}, fields{"description": "x", "color_scheme": "magenta"}},
		"user":                {server.Options{Username: "ann", Password: "hunter2"}, fields{"user": "ann", "password": "hunter2"}},
		"token":               {server.Options{Authorization: "hunter2"}, fields{"token": "hunter2"}},
		"nkey":                {server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}}, fields{"nkey": "file://" + seedFile}},
		"creds below home":    {byJWT, fields{"creds": "~/user.creds"}},
		"JWT and seed":        {byJWT, fields{"user_jwt": userJWT, "user_seed": string(seed)}},
		"TLS":                 {ca.withTLS(t, server.Options{}, true), fields{"ca": ca.file, "cert": cert, "key": key}},
		"inbox prefix":        {server.Options{}, fields{"inbox_prefix": "_MINE"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			running := serve(t, c.server)
			c.context["url"] = running.ClientURL()
			store(t, filepath.Join(dir, ".config"), "mine", c.context)
			conn, err := connect(t, config.NATS{Context: "mine"}, conn.Options{LookupEnv: home(dir)})
			require.NoError(t, err)
			works(t, conn)
			if name == "inbox prefix" {
				assert.True(t, strings.HasPrefix(conn.NewRespInbox(), "_MINE."))
			}
		})
	}
	t.Run("TLS first", func(t *testing.T) {
		options := ca.withTLS(t, server.Options{TLSHandshakeFirst: true}, false)
		running := serve(t, options)
		store(t, filepath.Join(dir, ".config"), "mine", fields{"url": running.ClientURL(), "tls_first": true, "ca": ca.file})
		conn, err := connect(t, config.NATS{Context: "mine"}, conn.Options{LookupEnv: home(dir)})
		require.NoError(t, err)
		works(t, conn)
	})
}

func TestContextAndSettings(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t)
	running := serve(t, ca.withTLS(t, server.Options{Authorization: "hunter2"}, true))
	dir := t.TempDir()
	store(t, dir, "mine", fields{"url": "nats://127.0.0.1:1", "token": "hunter2", "ca": "/nowhere"})
	conn, err := connect(t, config.NATS{Context: "mine", URL: servers(running), CA: ca.file, Cert: cert, Key: key},
		conn.Options{LookupEnv: environment("XDG_CONFIG_HOME", dir)})
	require.NoError(t, err, "the settings' server and files stand over the context's")
	works(t, conn)
}

func TestWrongContexts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		context any
		says    string
	}{
		"no JSON":              {[]byte(`{"token": "hunter2`), "no valid JSON"},
		"too large":            {[]byte(`{"x":"` + strings.Repeat("x", 1<<20) + `"}`), "larger than"},
		"wrong URL":            {fields{"url": "http://u:hunter2@x"}, "url: server 1"},
		"two logins":           {fields{"user": "u", "token": "hunter2"}, "token is set together with user"},
		"JWT without seed":     {fields{"user_jwt": "hunter2"}, "user_seed belong together"},
		"certificate alone":    {fields{"cert": "x"}, "key belong together"},
		"seed that is none":    {fields{"user_jwt": "hunter2", "user_seed": "hunter2"}, "user_seed: "},
		"missing file":         {fields{"ca": "/nowhere"}, "nats-ca: "},
		"creds elsewhere":      {fields{"creds": "op://hunter2/x"}, "creds is kept elsewhere (op:)"},
		"token elsewhere":      {fields{"token": "env://HUNTER2"}, "token is kept elsewhere (env:)"},
		"nsc":                  {fields{"nsc": "x"}, "nsc is not supported"},
		"proxy":                {fields{"socks_proxy": "x"}, "socks_proxy is not supported"},
		"JetStream domain":     {fields{"jetstream_domain": "x"}, "jetstream_domain is not supported"},
		"JetStream API prefix": {fields{"jetstream_api_prefix": "x"}, "jetstream_api_prefix is not supported"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store(t, filepath.Join(dir, ".config"), "mine", c.context)
			_, err := connect(t, config.NATS{Context: "mine"}, conn.Options{LookupEnv: home(dir)})
			var usage *config.UsageError
			require.ErrorAs(t, err, &usage)
			assert.Equal(t, "nats-context", usage.Setting)
			assert.Contains(t, err.Error(), c.says)
			assert.NotContains(t, strings.ToLower(err.Error()), "hunter2")
		})
	}
	t.Run("no environment", func(t *testing.T) {
		_, err := connect(t, config.NATS{Context: "mine"}, conn.Options{})
		assert.ErrorContains(t, err, "no environment")
	})
	t.Run("no home", func(t *testing.T) {
		_, err := connect(t, config.NATS{Context: "mine"}, conn.Options{LookupEnv: environment("", "")})
		assert.ErrorContains(t, err, "neither HOME nor XDG_CONFIG_HOME")
	})
}

// FuzzContext holds the reading of contexts to: no panic, and no error but one that blames the
// setting.
func FuzzContext(f *testing.F) {
	f.Add([]byte(`{"url":"nats://127.0.0.1:1"}`))
	f.Add([]byte(`{"token":"x","user":"y"}`))
	f.Add([]byte(`{"creds":"data:x"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		store(t, filepath.Join(dir, ".config"), "mine", content)
		settings := config.NATS{Context: "mine", CA: "/nowhere"} // ends it before anything is dialled
		_, err := conn.Connect(t.Context(), settings, conn.Options{LookupEnv: home(dir)})
		var usage *config.UsageError
		require.ErrorAs(t, err, &usage)
	})
}
