package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
)

func TestSettingsFile(t *testing.T) {
	refusals := map[string]struct{ content, says string }{
		"unknown key":        {"log_level: info\nlog_levl: debug\n", ":2: unknown setting log_levl, did you mean log_level?"},
		"dashes":             {"log-level: debug\n", ":1: unknown setting log-level, did you mean log_level?"},
		"far from any key":   {"colour: red\n", ":1: unknown setting colour\n"},
		"itself":             {"config: x\n", ":1: unknown setting config"},
		"twice":              {"log_level: info\n\nlog_level: debug\n", ":3: log_level: is set on line 1 already"},
		"nested":             {"nats:\n  url: x\n", ":1: nats: wants a single value"},
		"list":               {"nats_url: [a, b]\n", ":1: nats_url: wants a single value"},
		"no value":           {"api_token:\n", `:1: api_token: has no value; write ""`},
		"comment for value":  {"api_token: #hunter2\n", ":1: api_token: has no value"},
		"tag for value":      {"api_token: !hunter2\n", ":1: api_token: has a tag"},
		"alias for value":    {"api_token: *hunter2\n", "unknown anchor; quote a value that begins with an asterisk"},
		"known alias":        {"log_level: &x info\nlog_format: *x\n", ":2: log_format: wants a single value"},
		"two documents":      {"log_level: info\n---\nlog_level: info\n", ":2: a second document"},
		"broken second":      {"log_level: info\n---\n\t:\n", ": "},
		"no mapping":         {"hunter2\n", ":1: no settings"},
		"list of settings":   {"- log_level: info\n", ":1: no settings"},
		"bad syntax":         {"log_level: info\n  log_format: x: y\n", ":"},
		"key that is a list": {"? [a]\n: b\n", ":1: a key that is no word"},
		"too large":          {strings.Repeat("# padding\n", 120_000), "is larger than"},
	}
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			path := file(t, "s.yaml", c.content)
			got := call(t, base, "serve", "--config", path)
			refused(t, got, path, c.says)
			assert.NotContains(t, got.stderr, "hunter2")
			assert.Nil(t, got.invocation, "the command has run")
		})
	}
	for name, content := range map[string]string{
		"empty": "", "comments": "# nothing\n", "null": "~\n", "begins with ---": "---\nlog_level: info\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, base, "serve", "--config", file(t, "s.yaml", content))
			assert.Equal(t, config.ExitDone, got.code, got.stderr)
		})
	}
	t.Run("missing", func(t *testing.T) {
		refused(t, call(t, base, "serve", "--config=/nowhere/s.yaml"), "/nowhere/s.yaml: no such file")
	})
	t.Run("a directory", func(t *testing.T) {
		refused(t, call(t, base, "serve", "--config="+t.TempDir()), "is a directory")
	})
	t.Run("values are taken as they are written", func(t *testing.T) {
		got := call(t, base, "serve", "--config", file(t, "s.yaml", "api_token: 0123_4e500000000\ndingtalk_corp_id: 007\nstream_mode: yes\nretention: 0\n"))
		require.Equal(t, config.ExitDone, got.code, got.stderr)
		assert.Equal(t, "0123_4e500000000", got.settings.HTTP.APIToken.Reveal())
		assert.Equal(t, "007", got.settings.DingTalk.CorpID)
		assert.Equal(t, config.StreamOn, got.settings.Pushes.StreamMode)
	})
}

// secrets have a file each.
var secrets = []struct {
	setting string
	get     func(outcome) config.Secret
}{
	{"dingtalk-app-secret", func(o outcome) config.Secret { return o.settings.DingTalk.AppSecret }},
	{"dingtalk-access-token", func(o outcome) config.Secret { return o.settings.DingTalk.AccessToken }},
	{"webhook-token", func(o outcome) config.Secret { return o.settings.Pushes.WebhookToken }},
	{"webhook-aes-key", func(o outcome) config.Secret { return o.settings.Pushes.WebhookAESKey }},
	{"nats-password", func(o outcome) config.Secret { return o.settings.NATS.Password }},
	{"nats-token", func(o outcome) config.Secret { return o.settings.NATS.Token }},
	{"embedded-operator-password", func(o outcome) config.Secret { return o.settings.Doors.OperatorPassword }},
	{"embedded-reader-password", func(o outcome) config.Secret { return o.settings.Doors.ReaderPassword }},
	{"api-token", func(o outcome) config.Secret { return o.settings.HTTP.APIToken }},
	{"privacy-key", func(o outcome) config.Secret { return o.settings.Events.PrivacyKey }},
}

func TestSecretFromFile(t *testing.T) {
	for _, s := range secrets {
		t.Run(s.setting, func(t *testing.T) {
			secret := other(s.setting)
			path := file(t, "secret", secret+"\n")
			flags, env := []string{"serve"}, []string{}
			for _, name := range partners[s.setting] {
				flags = append(flags, "--"+name+"="+other(name))
			}
			if !strings.HasPrefix(s.setting, "dingtalk") {
				env = base
			}
			if s.setting == "dingtalk-app-secret" {
				env = []string{"ROLLCALL_DINGTALK_APP_KEY=k"}
			}
			levels := map[config.Level]outcome{
				config.Flag:        call(t, env, append(flags, "--"+s.setting+"-file", path)...),
				config.Environment: call(t, append([]string{config.EnvName(s.setting) + "_FILE=" + path}, env...), flags...),
				config.File: call(t, env, append(flags, "--config",
					file(t, "s.yaml", config.FileKey(s.setting)+"_file: "+path))...),
			}
			for level, got := range levels {
				v := value(t, got, s.setting)
				assert.Equal(t, secret, s.get(got).Reveal())
				assert.Equal(t, "********", v.Value)
				assert.Equal(t, level, v.Origin.Level)
				assert.Equal(t, path, v.Origin.SecretFile)
			}
		})
	}
}

func TestSecretAndItsFile(t *testing.T) {
	path := file(t, "secret", "from file")
	settings := file(t, "s.yaml", "privacy_key_file: "+path)
	cases := map[string]struct {
		env, flags []string
		want       string
	}{
		"file over value of a lower level": {[]string{"ROLLCALL_PRIVACY_KEY=value"}, []string{"--privacy-key-file=" + path}, "from file"},
		"value over file of a lower level": {[]string{"ROLLCALL_PRIVACY_KEY_FILE=" + path}, []string{"--privacy-key=value"}, "value"},
		"environment over settings file":   {[]string{"ROLLCALL_PRIVACY_KEY=value"}, []string{"--config=" + settings}, "value"},
		"a lower file is not read":         {[]string{"ROLLCALL_PRIVACY_KEY_FILE=/nowhere"}, []string{"--privacy-key=value"}, "value"},
		"line end of a variable":           {[]string{"ROLLCALL_PRIVACY_KEY=value\n"}, nil, "value"},
		"spaces belong to it":              {[]string{"ROLLCALL_PRIVACY_KEY= v "}, nil, " v "},
		"a dash in front":                  {nil, []string{"--privacy-key", "-v"}, "-v"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, with(c.env...), append([]string{"serve"}, c.flags...)...)
			require.Equal(t, config.ExitDone, got.code, got.stderr)
			assert.Equal(t, c.want, got.settings.Events.PrivacyKey.Reveal())
		})
	}
	t.Run("both as flags", func(t *testing.T) {
		refused(t, call(t, base, "serve", "--privacy-key=hunter2", "--privacy-key-file="+path),
			"--privacy-key: is set together with --privacy-key-file")
	})
	t.Run("both in the environment", func(t *testing.T) {
		refused(t, call(t, with("ROLLCALL_PRIVACY_KEY=hunter2", "ROLLCALL_PRIVACY_KEY_FILE="+path), "serve"),
			"ROLLCALL_PRIVACY_KEY: is set together with ROLLCALL_PRIVACY_KEY_FILE")
	})
	t.Run("both in the file", func(t *testing.T) {
		both := file(t, "s.yaml", "privacy_key: hunter2\nprivacy_key_file: "+path)
		refused(t, call(t, base, "serve", "--config", both), both+":1: privacy_key: is set together with "+both+":2: privacy_key_file")
	})
	for name, content := range map[string]string{
		"is empty": "\n", "more than one line": "hunter2\nhunter2\n", "is larger": strings.Repeat("hunter2", 10_000), "mask": "********",
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, with("ROLLCALL_PRIVACY_KEY_FILE="+file(t, "secret", content)), "serve")
			refused(t, got, "ROLLCALL_PRIVACY_KEY_FILE: ", name)
			assert.NotContains(t, got.stderr, "hunter2")
		})
	}
	t.Run("missing", func(t *testing.T) {
		refused(t, call(t, with("ROLLCALL_PRIVACY_KEY_FILE=/nowhere"), "serve"), "ROLLCALL_PRIVACY_KEY_FILE: cannot read the secret", "/nowhere")
	})
	t.Run("unreadable", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root reads everything")
		}
		require.NoError(t, os.Chmod(path, 0))
		refused(t, call(t, with("ROLLCALL_PRIVACY_KEY_FILE="+path), "serve"), "permission denied")
	})
}
