package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
)

// forEver says how to keep events for longer than can be asked for.
const forEver = "more than 100 years (876000h); 0 keeps events for ever"

// malformed has values that a setting refuses, and what the message says besides the setting's
// name.
var malformed = []struct{ setting, value, says string }{
	{"dingtalk-url", "api.dingtalk.com", "no URL"},
	{"dingtalk-url", "ftp://host", "no URL"},
	{"dingtalk-url", "https://", "no URL"},
	{"dingtalk-url", "https://u:hunter2@host", "user or a password"},
	{"dingtalk-url", "https://host?token=hunter2", "query"},
	{"dingtalk-corp-id", "a/b", "not 1 to 128"},
	{"dingtalk-rate", "0", "not more than 0"},
	{"dingtalk-rate", "-1", "not more than 0"},
	{"dingtalk-rate", "fast", `"fast" is no number`},
	{"dingtalk-rate", "NaN", "is no number"},
	{"dingtalk-rate", "Inf", "is no number"},
	{"dingtalk-monthly-calls", "-1", "is negative"},
	{"dingtalk-monthly-calls", "1.5", "no whole number"},
	{"dingtalk-monthly-calls", "2147483648", "more than 2147483647"},
	{"dingtalk-time-zone", "Shanghai", "no time zone"},
	{"dingtalk-time-zone", "../etc/passwd", "no time zone"},
	{"stream-mode", "perhaps", "true"},
	{"nats-url", "nats://u:hunter2@host:x", "server 1 is no URL"},
	{"nats-url", "nats://a,http://b", "server 2 has none of the schemes"},
	{"nats-url", "nats://a,,nats://b", "server 2 is no URL"},
	{"nats-context", "../x", "no name of a context"},
	{"nats-replicas", "0", "not from 1 to 5"},
	{"nats-replicas", "6", "not from 1 to 5"},
	{"embedded-listen", "localhost", "no address"},
	{"embedded-listen", "0.0.0.0:4222", "reached by others"},
	{"listen", "8080", "no address"},
	{"http-connections", "0", "is not 1 to"},
	{"http-per-address", "-1", "is not 1 to"},
	{"event-readers", "0", "is not 1 to"},
	{"event-readers", "2147483648", "is not 1 to"},
	{"disk-reserve", "64", "neither a share such as 5% nor a size"},
	{"disk-reserve", "100%", "nothing of the disk"},
	{"trusted-proxies", "proxy.example", "no address or network"},
	{"trusted-proxies", "10.0.0.0/33", "no address or network"},
	{"trusted-proxies", "10.0.0.1,", "no address or network"},
	{"trusted-proxies", "fe80::1%eth0", "no address or network"},
	{"listen", "127.0.0.1:http", "no port"},
	{"listen", "127.0.0.1:65536", "no port"},
	{"listen", "127.0.0.1:080", "no port"},
	{"api-token", "hunter2 hunter2", "bearer token"},
	{"api-token", "********", "mask"},
	{"api-token", "hunter2", "16 at least"},
	{"api-token", "hunter2-hunter2", "16 at least"},
	{"session-life", "0", "less than 1s"},
	{"webhook-listen", "8081", "no address"},
	{"dingtalk-access-token", "hunter2\u00e9", "no token has"},
	{"discovery-interval", "60", "no duration"},
	{"discovery-interval", "-1s", "negative"},
	{"poll-min-interval", "2m", "more than poll-max-interval, which is 1m0s"},
	{"poll-max-interval", "0", "is 0"},
	{"poll-page-size", "0", "not from 1 to 500"},
	{"poll-page-size", "501", "not from 1 to 500"},
	{"retention", "30d", "no duration"},
	{"retention", "10ms", "less than 1s"},
	{"retention", "-1h", "negative"},
	{"audit-retention", "10ms", "less than 1s"},
	{"audit-retention", "2100000h", forEver},
	{"retention", "876000h1ns", forEver},
	{"retention", "2100000h", "2100000h is " + forEver},
	{"retention", "2562048h", forEver}, // more than a time.Duration holds
	{"retention", "+1.5h99999999999999999999h.5ms", forEver},
	{"discovery-interval", "876001h", "more than 100 years"},
	{"poll-max-interval", "99999999h", "more than 100 years"},
	{"webhook-window", "2562047h", "more than 100 years"},
	{"privacy", "none", "none of full, pseudonym"},
	{"log-level", "trace", "none of debug, info, warn, error"},
	{"log-format", "xml", "none of auto, text, json"},
}

// TestMalformed gives each value on each level: one line names the setting as it is spelled there,
// with its place in the file.
func TestMalformed(t *testing.T) {
	for i, c := range malformed {
		t.Run(fmt.Sprint(i, c.setting), func(t *testing.T) {
			env := base
			if c.setting == "dingtalk-access-token" {
				env = nil
			}
			check := func(got outcome, origin string) {
				refused(t, got, "rollcall: "+origin, c.says)
				assert.NotContains(t, got.stderr, "hunter2")
				assert.Nil(t, got.invocation, "the command has run")
			}
			check(call(t, env, "serve", "--"+c.setting+"="+c.value), "--"+c.setting+": ")
			name := config.EnvName(c.setting)
			check(call(t, append([]string{name + "=" + c.value}, env...), "serve"), name+": ")
			path := file(t, "my.yaml", "# mine\n"+config.FileKey(c.setting)+": '"+c.value+"'\n")
			check(call(t, env, "serve", "--config", path), path+":2: "+config.FileKey(c.setting)+": ")
		})
	}
}

func TestTogether(t *testing.T) {
	const aes = "ROLLCALL_WEBHOOK_AES_KEY=4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
	cases := map[string]struct {
		env  []string
		says string
	}{
		"no login":                  {nil, "--dingtalk-app-key (ROLLCALL_DINGTALK_APP_KEY, dingtalk_app_key): is required"},
		"key without secret":        {[]string{"ROLLCALL_DINGTALK_APP_KEY=k"}, "dingtalk_app_secret): is required"},
		"secret without key":        {[]string{"ROLLCALL_DINGTALK_APP_SECRET=hunter2"}, "ROLLCALL_DINGTALK_APP_SECRET: needs dingtalk-app-key"},
		"secret and token":          {with("ROLLCALL_DINGTALK_ACCESS_TOKEN=hunter2"), "ROLLCALL_DINGTALK_ACCESS_TOKEN: is set together with dingtalk-app-secret"},
		"stream mode with a token":  {[]string{"ROLLCALL_DINGTALK_ACCESS_TOKEN=hunter2", "ROLLCALL_STREAM_MODE=1"}, "ROLLCALL_STREAM_MODE: needs dingtalk-app-key"},
		"webhook listener, no keys": {with("ROLLCALL_WEBHOOK_LISTEN=127.0.0.1:8081"), "WEBHOOK_LISTEN: needs webhook-token"},
		"an issuer alone":           {with("ROLLCALL_OIDC_ISSUER=https://i.example"), "oidc_client_id): is required"},
		"a secret of nobody":        {with("ROLLCALL_OIDC_CLIENT_SECRET=hunter2"), "oidc_issuer): is required"},
		"another way back": {with("ROLLCALL_OIDC_ISSUER=https://i.example", "ROLLCALL_OIDC_CLIENT_ID=c", "ROLLCALL_OIDC_SCOPES=a=read",
			"ROLLCALL_OIDC_REDIRECT_URL=https://r.example/callback"), "ROLLCALL_OIDC_REDIRECT_URL: https://r.example/callback does not end in /login/oidc/callback"},
		"a certificate without a key":     {with("ROLLCALL_TLS_CERT=c.pem"), "ROLLCALL_TLS_CERT: needs both"},
		"a key without a certificate":     {with("ROLLCALL_TLS_KEY=k.pem"), "ROLLCALL_TLS_KEY: needs both"},
		"webhook without AES key":         {with("ROLLCALL_WEBHOOK_TOKEN=hunter2", "ROLLCALL_WEBHOOK_OWNER_KEY=o"), "webhook_aes_key): is required"},
		"webhook without token":           {with(aes, "ROLLCALL_WEBHOOK_OWNER_KEY=o"), "webhook_token): is required"},
		"webhook without owner":           {with(aes, "ROLLCALL_WEBHOOK_TOKEN=hunter2"), "webhook_owner_key): is required"},
		"short AES key":                   {with("ROLLCALL_WEBHOOK_AES_KEY=hunter2", "ROLLCALL_WEBHOOK_TOKEN=t", "ROLLCALL_WEBHOOK_OWNER_KEY=o"), "ROLLCALL_WEBHOOK_AES_KEY: is not 43"},
		"AES key that is no base64":       {with(strings.Replace(aes, "q", "!", 1), "ROLLCALL_WEBHOOK_TOKEN=t", "ROLLCALL_WEBHOOK_OWNER_KEY=o"), "ROLLCALL_WEBHOOK_AES_KEY: is not 43"},
		"user without password":           {with("ROLLCALL_NATS_USER=u"), "ROLLCALL_NATS_USER: needs both"},
		"password without user":           {with("ROLLCALL_NATS_PASSWORD=hunter2"), "ROLLCALL_NATS_PASSWORD: needs both"},
		"certificate without key":         {with("ROLLCALL_NATS_URL=x", "ROLLCALL_NATS_CERT=c"), "ROLLCALL_NATS_CERT: needs both"},
		"key without certificate":         {with("ROLLCALL_NATS_URL=x", "ROLLCALL_NATS_KEY=c"), "ROLLCALL_NATS_KEY: needs both"},
		"two logins":                      {with("ROLLCALL_NATS_URL=x", "ROLLCALL_NATS_CREDS=c", "ROLLCALL_NATS_TOKEN=hunter2"), "ROLLCALL_NATS_TOKEN: is set together with nats-creds"},
		"login and context":               {with("ROLLCALL_NATS_NKEY=n", "ROLLCALL_NATS_CONTEXT=c"), "ROLLCALL_NATS_CONTEXT: is set together with nats-nkey"},
		"login twice":                     {with("ROLLCALL_NATS_URL=nats://hunter2@x", "ROLLCALL_NATS_TOKEN=hunter2"), "ROLLCALL_NATS_TOKEN: is set together with a user in nats-url"},
		"creds for the embedded server":   {with("ROLLCALL_NATS_CREDS=c"), "ROLLCALL_NATS_CREDS: needs nats-url"},
		"TLS for the embedded server":     {with("ROLLCALL_NATS_CA=c"), "ROLLCALL_NATS_CA: needs nats-url"},
		"an operator without a password":  {with("ROLLCALL_EMBEDDED_OPERATOR_USER=u"), "ROLLCALL_EMBEDDED_OPERATOR_USER: needs both"},
		"an operator's password alone":    {with("ROLLCALL_EMBEDDED_OPERATOR_PASSWORD=hunter2"), "ROLLCALL_EMBEDDED_OPERATOR_PASSWORD: needs both"},
		"a reader without a password":     {with("ROLLCALL_EMBEDDED_READER_USER=u"), "ROLLCALL_EMBEDDED_READER_USER: needs both"},
		"an embedded key alone":           {with("ROLLCALL_EMBEDDED_TLS_KEY=k"), "ROLLCALL_EMBEDDED_TLS_KEY: needs both"},
		"reader and operator are one":     {with("ROLLCALL_NATS_USER=u", "ROLLCALL_NATS_PASSWORD=hunter2", "ROLLCALL_EMBEDDED_READER_USER=u", "ROLLCALL_EMBEDDED_READER_PASSWORD=hunter2"), "ROLLCALL_EMBEDDED_READER_USER: \"u\" is the operator"},
		"an operator of the server's own": {with("ROLLCALL_EMBEDDED_OPERATOR_USER=$u", "ROLLCALL_EMBEDDED_OPERATOR_PASSWORD=hunter2"), "ROLLCALL_EMBEDDED_OPERATOR_USER: names that begin with $"},
		"clear text for others":           {with("ROLLCALL_EMBEDDED_LISTEN=:4222", "ROLLCALL_NATS_USER=u", "ROLLCALL_NATS_PASSWORD=hunter2"), "embedded_tls_cert): is required"},
		"clear text for others, token":    {with("ROLLCALL_EMBEDDED_LISTEN=:4222", "ROLLCALL_NATS_TOKEN=hunter2"), "embedded_tls_cert): is required"},
		"nobody asked who they are":       {with("ROLLCALL_EMBEDDED_LISTEN=:4222", "ROLLCALL_EMBEDDED_TLS_CERT=c", "ROLLCALL_EMBEDDED_TLS_KEY=k"), "embedded-reader-user"},
		"neither who they are, nor TLS":   {with("ROLLCALL_EMBEDDED_LISTEN=:4222"), "embedded-tls-cert"},
		"replicas of the embedded server": {with("ROLLCALL_NATS_REPLICAS=3"), "ROLLCALL_NATS_REPLICAS: 3 needs nats-url"},
		"no data directory":               {append(base, "ROLLCALL_CONFIG="+file(t, "x.yaml", `data_dir: ""`)), "x.yaml:1: data_dir: is empty"},
		"pseudonyms without key":          {with("ROLLCALL_PRIVACY=pseudonym"), "privacy_key): is required"},
		"max interval below min":          {with("ROLLCALL_POLL_MAX_INTERVAL=100ms"), "poll_min_interval): 1s is more than poll-max-interval, which is 100ms"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, c.env, "serve")
			refused(t, got, c.says)
			assert.NotContains(t, got.stderr, "hunter2")
		})
	}
	t.Run("a demonstration others can reach", func(t *testing.T) {
		refused(t, call(t, nil, "demo", "--embedded-listen=:4222"), "--embedded-listen: ", "demonstration")
	})
}

// openTo is an embedded server that others can reach, with TLS and these settings.
func openTo(env ...string) []string {
	return with(append(env, "ROLLCALL_EMBEDDED_LISTEN=:4222", "ROLLCALL_EMBEDDED_TLS_CERT=c", "ROLLCALL_EMBEDDED_TLS_KEY=k")...)
}

func TestAllowedTogether(t *testing.T) {
	cases := map[string][]string{
		"a retention of 100 years":            with("ROLLCALL_RETENTION=876000h"),
		"a fixed token alone":                 {"ROLLCALL_DINGTALK_ACCESS_TOKEN=t"},
		"open embedded server with user":      openTo("ROLLCALL_NATS_USER=u", "ROLLCALL_NATS_PASSWORD=p"),
		"open embedded server with token":     openTo("ROLLCALL_NATS_TOKEN=p"),
		"open embedded server with operator":  openTo("ROLLCALL_EMBEDDED_OPERATOR_USER=u", "ROLLCALL_EMBEDDED_OPERATOR_PASSWORD=p"),
		"open embedded server with reader":    openTo("ROLLCALL_EMBEDDED_READER_USER=u", "ROLLCALL_EMBEDDED_READER_PASSWORD=p"),
		"an operator and somebody's login":    with("ROLLCALL_EMBEDDED_OPERATOR_USER=u", "ROLLCALL_EMBEDDED_OPERATOR_PASSWORD=p", "ROLLCALL_NATS_USER=r", "ROLLCALL_NATS_PASSWORD=p"),
		"server in place of a context's":      with("ROLLCALL_NATS_URL=x", "ROLLCALL_NATS_CONTEXT=c"),
		"TLS beside a login":                  with("ROLLCALL_NATS_URL=x", "ROLLCALL_NATS_CREDS=c", "ROLLCALL_NATS_CA=a", "ROLLCALL_NATS_CERT=c", "ROLLCALL_NATS_KEY=k"),
		"a privacy key that is not used":      with("ROLLCALL_PRIVACY_KEY=k"),
		"AES key whose last bits are not 0":   with("ROLLCALL_WEBHOOK_AES_KEY=Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7", "ROLLCALL_WEBHOOK_TOKEN=t", "ROLLCALL_WEBHOOK_OWNER_KEY=o"),
		"embedded server apart, not listened": with("ROLLCALL_EMBEDDED_LISTEN=:4222", "ROLLCALL_NATS_URL=x"),
	}
	for name, env := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, env, "serve")
			assert.Equal(t, config.ExitDone, got.code, got.stderr)
		})
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Run("a slip is refused", func(t *testing.T) {
		refused(t, call(t, with("ROLLCALL_POLL_MIN_INTERVALL=hunter2"), "serve"),
			"ROLLCALL_POLL_MIN_INTERVALL", "did you mean ROLLCALL_POLL_MIN_INTERVAL?")
		refused(t, call(t, with("ROLLCALL_API_TOKEN_FIEL=x"), "serve"), "did you mean ROLLCALL_API_TOKEN_FILE?")
		refused(t, call(t, with("ROLLCALL_CONFG=x"), "serve"), "did you mean ROLLCALL_CONFIG?")
	})
	t.Run("another program's is warned about", func(t *testing.T) {
		got := call(t, with("ROLLCALL_IMAGE_REPOSITORY=hunter2"), "serve")
		require.Equal(t, config.ExitDone, got.code, got.stderr)
		require.Len(t, got.invocation.Warnings, 1)
		assert.Contains(t, got.invocation.Warnings[0], "ROLLCALL_IMAGE_REPOSITORY")
		assert.NotContains(t, got.invocation.Warnings[0], "hunter2")
	})
	t.Run("those of Kubernetes are not mentioned", func(t *testing.T) {
		got := call(t, with("ROLLCALL_PORT=tcp://10.0.0.1:80", "ROLLCALL_SERVICE_HOST=10.0.0.1", "ROLLCALL_SERVICE_PORT_HTTP=80",
			"ROLLCALL_PORT_80_TCP_ADDR=10.0.0.1", "ROLLCALL_NATS_SERVICE_HOST=10.0.0.2", "ROLLCALL_NATS_PORT=tcp://10.0.0.2:4222"), "serve")
		require.Equal(t, config.ExitDone, got.code, got.stderr)
		assert.Empty(t, got.invocation.Warnings)
	})
	t.Run("a command without settings does not care", func(t *testing.T) {
		got := call(t, []string{"ROLLCALL_POLL_MIN_INTERVALL=1", "ROLLCALL_CONFIG=/nowhere"}, "version")
		assert.Equal(t, "1.0\n", got.stdout)
		assert.Equal(t, config.ExitDone, got.code)
	})
}
