package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	in := install(t)
	status, stdout, stderr := call(t, append(in.env, "ROLLCALL_STREAM_MODE=true"), "doctor")
	assert.Zero(t, status, stdout)
	assert.Empty(t, stderr)
	assert.NotContains(t, stdout, "failed")
	assert.Contains(t, stdout, "ok       permission")

	in.serve()
	status, stdout, _ = call(t, append(in.env, "ROLLCALL_API_TOKEM_X=1"), "doctor")
	assert.Zero(t, status, stdout)
	assert.Contains(t, stdout, "a service is running on "+in.http)
	assert.Contains(t, stdout, "note     settings")

	status, stdout, _ = call(t, append(in.env, "ROLLCALL_DINGTALK_APP_SECRET=hunter2"), "doctor")
	assert.Equal(t, 1, status)
	assert.Contains(t, stdout, "failed   access token")
	assert.Contains(t, stdout, "  > compare --dingtalk-app-key")
	assert.Contains(t, stdout, "ok       stream", "the other checks are made all the same")
	assert.NotContains(t, stdout, "hunter2")
}
