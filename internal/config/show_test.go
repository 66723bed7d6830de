package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/config"
)

func TestSecretNeverShows(t *testing.T) {
	const secret = config.Secret("hunter2")
	servers := config.Servers{"nats://ann:hunter2@a:4222", "nats://hunter2@b", "nats://c"}
	type holder struct {
		Secret  config.Secret
		Servers config.Servers
	}
	held := holder{secret, servers}
	var log bytes.Buffer
	text, record := slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))
	for _, logger := range []*slog.Logger{text, record} {
		logger.Info("x", "secret", secret, "servers", servers, "held", held, "pointer", &held)
	}
	asJSON, err := json.Marshal(held)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(held)
	require.NoError(t, err)
	printed := fmt.Sprintf("%s %v %+v %#v %q %s %v %+v %#v", secret, secret, secret, secret, secret, servers, held, held, held)
	for _, shown := range []string{printed, fmt.Sprint(&held), log.String(), string(asJSON), string(asYAML)} {
		assert.NotContains(t, shown, "hunter2")
		assert.Contains(t, shown, "********")
	}
	assert.Equal(t, "nats://********@a:4222,nats://********@b,nats://c", servers.String())
	assert.Equal(t, "hunter2", secret.Reveal())
	assert.Empty(t, config.Secret("").String(), "what is not set is not masked")
}

func TestWriteYAML(t *testing.T) {
	path := file(t, "s.yaml", "log_format: json\n")
	key := file(t, "key", "hunter2")
	got := call(t, with("ROLLCALL_NATS_URL=nats://ann:hunter2@a:4222", "ROLLCALL_API_TOKEN=hunter2-and-more-of-it", "ROLLCALL_PRIVACY_KEY_FILE="+key),
		"serve", "--config", path, "--retention=36h", "--dingtalk-corp-id=null", "--data-dir=# odd: [")
	require.Equal(t, config.ExitDone, got.code, got.stderr)
	var out strings.Builder
	require.NoError(t, config.WriteYAML(&out, got.invocation.Settings))
	assert.NotContains(t, out.String(), "hunter2")
	assert.NotContains(t, out.String(), "s3cret")
	for _, line := range []string{
		"# DingTalk\ndingtalk_url: https://api.dingtalk.com # default\n",
		"dingtalk_rate: 15 # default\n",
		"stream_mode: auto # default\n",
		"retention: 36h # --retention\n",
		"log_format: json # " + path + ":1\n",
		"api_token: '********' # ROLLCALL_API_TOKEN\n",
		"privacy_key: '********' # ROLLCALL_PRIVACY_KEY_FILE is " + key + "\n",
		"nats_url: nats://********@a:4222 # ROLLCALL_NATS_URL\n",
		"webhook_token: \"\" # default\n",
		"# Logging\n",
	} {
		assert.Contains(t, out.String(), line)
	}

	// Without what is masked it is a settings file that says the same.
	var kept []string
	for line := range strings.SplitSeq(out.String(), "\n") {
		if !strings.Contains(line, "********") {
			kept = append(kept, line)
		}
	}
	again := call(t, base, "serve", "--config", file(t, "again.yaml", strings.Join(kept, "\n")))
	require.Equal(t, config.ExitDone, again.code, again.stderr)
	for _, setting := range got.invocation.Settings {
		if !strings.Contains(setting.Value, "********") {
			assert.Equal(t, setting.Value, value(t, again, setting.Name).Value, setting.Name)
		}
	}

	// With it, it is refused: a mask is no secret.
	refused(t, call(t, base, "serve", "--config", file(t, "masked.yaml", out.String())), "masked.yaml:")
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteYAMLFails(t *testing.T) {
	assert.ErrorContains(t, config.WriteYAML(brokenPipe{}, []config.Setting{{Name: "listen", Value: ":1"}}), "broken pipe")
}
