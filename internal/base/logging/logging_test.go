package logging_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/base/plaintext/plaintexttest"
	"github.com/c4342123/rollcall/internal/config"
)

func TestFormat(t *testing.T) {
	for format, isJSON := range map[config.LogFormat]bool{
		config.LogAuto: true, "": true, config.LogJSON: true, config.LogText: false,
	} {
		t.Run(string(format), func(t *testing.T) {
			var out bytes.Buffer
			logging.New(&out, config.Logging{Format: format}).Info("hello", "key", config.Secret("hunter2"))
			assert.Equal(t, isJSON, json.Valid(out.Bytes()), out.String())
			assert.Contains(t, out.String(), "hello")
			assert.NotContains(t, out.String(), "hunter2")
		})
	}
}

func TestAutoOnFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer func() { assert.NoError(t, file.Close()) }()
	logging.New(file, config.Logging{Format: config.LogAuto}).Info("hello")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, json.Valid(content), "a file is no terminal")

	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { assert.NoError(t, device.Close()) }()
	handler := logging.New(device, config.Logging{Format: config.LogAuto}).Handler()
	assert.IsType(t, &slog.TextHandler{}, logging.Unlimited(handler), "a character device is one")
	handler = logging.New(device, config.Logging{Format: config.LogJSON}).Handler()
	assert.IsType(t, &slog.JSONHandler{}, logging.Unlimited(handler), "unless the settings say otherwise")
}

func TestLevel(t *testing.T) {
	var out bytes.Buffer
	logger := logging.New(&out, config.Logging{Level: slog.LevelWarn})
	logger.Info("quiet")
	logger.Warn("loud")
	assert.NotContains(t, out.String(), "quiet")
	assert.Contains(t, out.String(), "loud")
}

// A title in a line of the log does nothing to a terminal, in whatever form.
func TestNothingActsOnATerminal(t *testing.T) {
	for _, format := range []config.LogFormat{config.LogText, config.LogJSON} {
		var out strings.Builder
		logging.New(&out, config.Logging{Format: format}).Info("found", "title", "A\u009b2J\u202e\U000e0041\x1b[2J")
		plaintexttest.AssertHarmless(t, strings.TrimSuffix(out.String(), "\n"))
	}
}
