package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
)

// every lists all settings of the service: the default, and another value that is valid. A secret
// has no default.
var every = []struct{ name, byDefault, other string }{
	{"dingtalk-url", "https://api.dingtalk.com", "http://127.0.0.1:9000/base"},
	{"dingtalk-app-key", "", "key2"},
	{"dingtalk-app-secret", "", "secret"},
	{"dingtalk-access-token", "", "secret"},
	{"dingtalk-corp-id", "default", "ding9f50"},
	{"dingtalk-rate", "15", "0.5"},
	{"dingtalk-edition", "standard", "professional"},
	{"dingtalk-monthly-calls", "", "5000"},
	{"dingtalk-monthly-pushes", "", "3000"},
	{"dingtalk-grace", "false", "true"},
	{"dingtalk-time-zone", "Asia/Shanghai", "Europe/Berlin"},
	{"webhook-token", "", "secret"},
	{"webhook-aes-key", "", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"},
	{"webhook-owner-key", "", "suite4"},
	{"webhook-listen", "", ":8081"},
	{"webhook-window", "1h", "5m"},
	{"stream-mode", "auto", "true"},
	{"nats-url", "", "nats://a:4222,tls://b:4222"},
	{"nats-creds", "", "/etc/nats.creds"},
	{"nats-nkey", "", "/etc/seed"},
	{"nats-user", "", "rollcall"},
	{"nats-password", "", "secret"},
	{"nats-token", "", "secret"},
	{"nats-ca", "", "/etc/ca.pem"},
	{"nats-cert", "", "/etc/cert.pem"},
	{"nats-key", "", "/etc/key.pem"},
	{"nats-context", "", "production"},
	{"nats-replicas", "1", "3"},
	{"embedded-listen", "127.0.0.1:4222", "[::1]:14222"},
	{"embedded-operator-user", "", "ann"},
	{"embedded-operator-password", "", "secret"},
	{"embedded-reader-user", "", "rita"},
	{"embedded-reader-password", "", "secret"},
	{"embedded-tls-cert", "", "/etc/cert.pem"},
	{"embedded-tls-key", "", "/etc/key.pem"},
	{"data-dir", "./rollcall-data", "/var/lib/rollcall"},
	{"disk-reserve", "5%", "64MB"},
	{"listen", "127.0.0.1:8080", ":80"},
	{"tls-cert", "", "/etc/http.pem"},
	{"tls-key", "", "/etc/http-key.pem"},
	{"api-token", "", "secret-of-16-and"},
	{"api-tokens", "", "/etc/tokens.yaml"},
	{"oidc-issuer", "", "https://login.example.org"},
	{"oidc-client-id", "", "rollcall"},
	{"oidc-client-secret", "", "secret"},
	{"oidc-redirect-url", "", "https://rollcall.example.org/login/oidc/callback"},
	{"oidc-groups-claim", "groups", "roles"},
	{"oidc-scopes", "", "staff=read;it=read,watch,admin"},
	{"session-life", "12h", "1h"},
	{"http-connections", "1000", "64"},
	{"http-per-address", "500", "8"},
	{"event-readers", "200", "16"},
	{"trusted-proxies", "", "10.0.0.0/8,192.0.2.7/32"},
	{"discovery-interval", "1m", "0s"},
	{"poll-min-interval", "1s", "5s"},
	{"poll-max-interval", "1m", "2m"},
	{"poll-page-size", "500", "128"},
	{"retention", "720h", "0s"},
	{"audit-retention", "0s", "8760h"},
	{"access-events", "false", "true"},
	{"checkpoint-interval", "1h", "5m"},
	{"signing-key-file", "", "/run/secrets/signing.nk"},
	{"privacy", "full", "pseudonym"},
	{"privacy-key", "", "secret"},
	{"privacy-titles", "drop", "keep"},
	{"log-level", "info", "debug"},
	{"log-format", "auto", "json"},
}

// partners are the settings that one cannot be without.
var partners = map[string][]string{
	"dingtalk-app-key":           {"dingtalk-app-secret"},
	"webhook-token":              {"webhook-aes-key", "webhook-owner-key"},
	"webhook-aes-key":            {"webhook-token", "webhook-owner-key"},
	"webhook-owner-key":          {"webhook-token", "webhook-aes-key"},
	"webhook-listen":             {"webhook-token", "webhook-aes-key", "webhook-owner-key"},
	"stream-mode":                {"dingtalk-app-key", "dingtalk-app-secret"},
	"nats-creds":                 {"nats-url"},
	"nats-nkey":                  {"nats-url"},
	"nats-user":                  {"nats-password"},
	"nats-password":              {"nats-user"},
	"nats-ca":                    {"nats-url"},
	"nats-cert":                  {"nats-key", "nats-url"},
	"nats-key":                   {"nats-cert", "nats-url"},
	"nats-replicas":              {"nats-url"},
	"embedded-operator-user":     {"embedded-operator-password"},
	"embedded-operator-password": {"embedded-operator-user"},
	"embedded-reader-user":       {"embedded-reader-password"},
	"embedded-reader-password":   {"embedded-reader-user"},
	"embedded-tls-cert":          {"embedded-tls-key"},
	"embedded-tls-key":           {"embedded-tls-cert"},
	"tls-cert":                   {"tls-key"},
	"tls-key":                    {"tls-cert"},
	"oidc-issuer":                {"oidc-client-id", "oidc-redirect-url", "oidc-scopes"},
	"oidc-client-id":             {"oidc-issuer", "oidc-redirect-url", "oidc-scopes"},
	"oidc-client-secret":         {"oidc-issuer", "oidc-client-id", "oidc-redirect-url", "oidc-scopes"},
	"oidc-redirect-url":          {"oidc-issuer", "oidc-client-id", "oidc-scopes"},
	"oidc-scopes":                {"oidc-issuer", "oidc-client-id", "oidc-redirect-url"},
	"privacy":                    {"privacy-key"},
}

func login(name string) []string {
	if name == "dingtalk-access-token" || name == "dingtalk-app-key" || name == "stream-mode" {
		return nil
	}
	return base
}

func other(name string) string {
	for _, setting := range every {
		if setting.name == name {
			return setting.other
		}
	}
	return ""
}

func isSecret(setting string) bool {
	return strings.HasPrefix(other(setting), "secret") || setting == "webhook-aes-key"
}

func TestDefaults(t *testing.T) {
	got := call(t, base, "serve")
	require.Len(t, got.invocation.Settings, len(every))
	for _, setting := range every {
		if strings.HasPrefix(setting.name, "dingtalk-app-") {
			continue
		}
		v := value(t, got, setting.name)
		assert.Equal(t, setting.byDefault, v.Value, setting.name)
		assert.Equal(t, config.Default, v.Origin.Level, setting.name)
		assert.Equal(t, config.Default, got.invocation.Origin(setting.name).Level)
	}
	assert.Equal(t, time.Minute, got.settings.Polling.MaxInterval)
	assert.Equal(t, "https://api.dingtalk.com", got.settings.DingTalk.URL.String())
	assert.Empty(t, got.invocation.Warnings)
	assert.Empty(t, got.stderr)
}

// TestEverySetting gives each setting on each level and expects it in force, with its origin.
func TestEverySetting(t *testing.T) {
	for _, setting := range every {
		t.Run(setting.name, func(t *testing.T) {
			flags, env, lines := []string{"serve"}, login(setting.name), []string{}
			for _, name := range append([]string{setting.name}, partners[setting.name]...) {
				flags = append(flags, "--"+name+"="+other(name))
				env = append(env, config.EnvName(name)+"="+other(name))
				lines = append(lines, config.FileKey(name)+": '"+other(name)+"'")
			}
			path := file(t, "settings.yaml", strings.Join(lines, "\n"))
			want := setting.other
			if isSecret(setting.name) {
				want = "********"
			}

			v := value(t, call(t, login(setting.name), flags...), setting.name)
			assert.Equal(t, want, v.Value)
			assert.Equal(t, config.Origin{Level: config.Flag, Name: "--" + setting.name}, v.Origin)

			v = value(t, call(t, env, "serve"), setting.name)
			assert.Equal(t, want, v.Value)
			assert.Equal(t, config.Origin{Level: config.Environment, Name: config.EnvName(setting.name)}, v.Origin)

			if strings.HasPrefix(setting.name, "dingtalk-app-") {
				return // given by the environment in base
			}
			v = value(t, call(t, login(setting.name), "serve", "--config", path), setting.name)
			assert.Equal(t, want, v.Value)
			assert.Equal(t, config.Origin{Level: config.File, Name: config.FileKey(setting.name), File: path, Line: 1}, v.Origin)
		})
	}
}

func TestPrecedence(t *testing.T) {
	path := file(t, "settings.yaml", "log_format: json\nretention: 3h\n")
	cases := map[string]struct {
		env   []string
		flags []string
		want  time.Duration
		level config.Level
	}{
		"default":                          {nil, nil, 720 * time.Hour, config.Default},
		"file":                             {[]string{"ROLLCALL_CONFIG=" + path}, nil, 3 * time.Hour, config.File},
		"file by flag over file by name":   {[]string{"ROLLCALL_CONFIG=/nowhere"}, []string{"--config=" + path}, 3 * time.Hour, config.File},
		"environment over file":            {[]string{"ROLLCALL_CONFIG=" + path, "ROLLCALL_RETENTION=2h"}, nil, 2 * time.Hour, config.Environment},
		"flag over environment":            {[]string{"ROLLCALL_RETENTION=2h"}, []string{"--retention=1h"}, time.Hour, config.Flag},
		"flag over all":                    {[]string{"ROLLCALL_CONFIG=" + path, "ROLLCALL_RETENTION=2h"}, []string{"--retention", "1h"}, time.Hour, config.Flag},
		"last flag":                        {nil, []string{"--retention=2h", "--retention=1h"}, time.Hour, config.Flag},
		"bare 0":                           {[]string{"ROLLCALL_RETENTION=0"}, nil, 0, config.Environment},
		"empty variable counts as not set": {[]string{"ROLLCALL_RETENTION="}, nil, 720 * time.Hour, config.Default},
		"last of two equal variables":      {[]string{"ROLLCALL_RETENTION=2h", "ROLLCALL_RETENTION=1h"}, nil, time.Hour, config.Environment},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, with(c.env...), append([]string{"serve"}, c.flags...)...)
			assert.Equal(t, c.level, value(t, got, "retention").Origin.Level)
			assert.Equal(t, c.want, got.settings.Events.Retention)
		})
	}
	t.Run("--config before the command", func(t *testing.T) {
		assert.Equal(t, 3*time.Hour, call(t, base, "--config", path, "serve").settings.Events.Retention)
	})
	t.Run("an empty flag takes a setting back", func(t *testing.T) {
		got := call(t, with("ROLLCALL_NATS_URL=nats://x"), "serve", "--nats-url=")
		assert.Equal(t, config.Flag, value(t, got, "nats-url").Origin.Level)
		assert.False(t, got.settings.NATS.External())
	})
}

// TestDemoIsSheltered makes sure that what the environment has for the service leads no
// demonstration astray.
func TestDemoIsSheltered(t *testing.T) {
	path := file(t, "settings.yaml", "nats_url: nats://prod\ndata_dir: /prod\nretention: 1h\n")
	got := call(t, []string{"ROLLCALL_DATA_DIR=/prod", "ROLLCALL_NATS_URL=nats://prod", "ROLLCALL_LOG_LEVEL=debug"},
		"demo", "--config="+path, "--for=20s")
	require.Equal(t, config.ExitDone, got.code, got.stderr)
	assert.Empty(t, got.demo.DataDir)
	assert.Equal(t, 20*time.Second, got.demo.For)
	assert.Equal(t, time.Hour, got.demo.Events.Retention)
	assert.Equal(t, "debug", value(t, got, "log-level").Value)
	assert.Equal(t, "/tmp/x", call(t, nil, "demo", "--data-dir=/tmp/x").demo.DataDir)
}

func TestCommandTakesOnlyItsSettings(t *testing.T) {
	got := call(t, []string{"ROLLCALL_POLL_PAGE_SIZE=none of its business", "ROLLCALL_NATS_URL=a,b:1"}, "tail", "--json", "--meeting=m1")
	require.Equal(t, config.ExitDone, got.code, got.stderr)
	assert.Equal(t, config.Servers{"nats://a", "nats://b:1"}, got.tail.NATS.URL)
	assert.True(t, got.tail.JSON)
	assert.Equal(t, "m1", got.tail.Meeting)
}

func TestNetworks(t *testing.T) {
	got := call(t, base, "serve", "--trusted-proxies", " 10.1.2.3/8, 192.0.2.7,fd00::/8 ,::1,::ffff:192.0.2.8")
	require.Equal(t, config.ExitDone, got.code, got.stderr)
	assert.Equal(t, "10.0.0.0/8,192.0.2.7/32,fd00::/8,::1/128,192.0.2.8/32", value(t, got, "trusted-proxies").Value)
}
