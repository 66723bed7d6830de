package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

// call runs the program within the test.
func call(t *testing.T, environ []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, environ, &out, &errs)
	return status, out.String(), errs.String()
}

// A command that is told to stop before it got anywhere has done what it was told.
func TestStoppedBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"serve", "--dingtalk-access-token=x", "--listen=127.0.0.1:0", "--embedded-listen=127.0.0.1:0", "--data-dir=" + dir},
		{"serve", "--dingtalk-access-token=x", "--listen=127.0.0.1:0", "--nats-url=nats://127.0.0.1:1"},
		{"demo", "--listen=127.0.0.1:0", "--embedded-listen=127.0.0.1:0"},
		{"simulate", "--listen=127.0.0.1:0"},
		{"tail", "--nats-url=nats://127.0.0.1:1"},
		{"replay", "--nats-url=nats://127.0.0.1:1"},
		{"report", "a", "--nats-url=nats://127.0.0.1:1"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 0, run(ctx, args, nil, &stdout, &stderr), "%v: %s", args, &stderr)
	}
}

func TestVariablesWithoutEffectAreSaid(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, 0, run(ctx, []string{
		"serve", "--dingtalk-app-key=k", "--dingtalk-app-secret=s3cret", "--listen=127.0.0.1:0", "--nats-url=nats://127.0.0.1:1",
		"--stream-mode",
	}, []string{"ROLLCALL_OF_SOMEBODY_ELSE=1"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "ROLLCALL_OF_SOMEBODY_ELSE")
	assert.NotContains(t, stderr.String(), "stream-mode")
	assert.NotContains(t, stderr.String(), "s3cret")
}
