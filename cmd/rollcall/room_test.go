package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLittleRoom: with 64 open files allowed, hundreds of connections and readers take nothing from
// NATS and DingTalk.
func TestLittleRoom(t *testing.T) {
	t.Parallel()
	in := install(t)
	path, err := exec.LookPath(program)
	require.NoError(t, err)
	cmd := exec.Command("sh", "-c", `ulimit -n 64 && exec "$0" serve`, path)
	p := launchAs(t, nil, in.env, cmd)
	p.logs(`"msg":"ready"`)
	p.logs("the limit of open files allows fewer HTTP connections")

	idle, err := net.Dial("tcp", in.http)
	require.NoError(t, err)
	defer idle.Close()
	began := time.Now()
	require.NoError(t, idle.SetReadDeadline(began.Add(patience)))
	_, err = idle.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "without a request it ends")
	assert.InDelta(t, 10, time.Since(began).Seconds(), 5)

	client := &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: patience}} // its connections are kept until the test ends
	t.Cleanup(client.CloseIdleConnections)
	first := in.reader(client)
	require.Equal(t, http.StatusOK, first.StatusCode)
	readers, refused := 1, 0
	for range 100 {
		switch resp := in.reader(client); resp.StatusCode {
		case http.StatusOK:
			readers++
		case http.StatusTooManyRequests:
			refused++
			assert.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			assert.NotEmpty(t, resp.Header.Get("Retry-After"))
			_, _ = io.Copy(io.Discard, resp.Body)
		default:
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	assert.LessOrEqual(t, readers, 32)
	assert.Greater(t, readers, 10)
	assert.Equal(t, 101, readers+refused)

	for range 300 {
		c, err := net.Dial("tcp", in.http)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
	}
	in.does("join", "bob")
	text := make(chan string, 1)
	go func() {
		var said strings.Builder
		buffer := make([]byte, 4096)
		for !strings.Contains(said.String(), "conference.member.joined") {
			n, err := first.Body.Read(buffer)
			if said.Write(buffer[:n]); err != nil {
				break
			}
		}
		text <- said.String()
	}()
	select {
	case said := <-text:
		assert.Contains(t, said, "conference.member.joined", "it is stored, and told")
	case <-time.After(patience):
		t.Fatal("no event")
	}
	for range 20 {
		assert.Equal(t, http.StatusOK, in.status("/readyz"))
	}
	assert.NotContains(t, p.stderr.String(), "too many open files")
}

// reader asks for the events. What it reads is closed when the test ends.
func (in *installation) reader(client *http.Client) *http.Response {
	in.t.Helper()
	req, err := http.NewRequestWithContext(in.t.Context(), http.MethodGet, "http://"+in.http+"/v1/events", nil)
	require.NoError(in.t, err)
	resp, err := client.Do(req)
	require.NoError(in.t, err)
	in.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// status asks for a path over a connection of its own.
func (in *installation) status(path string) int {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.http+path, nil)
	require.NoError(in.t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(in.t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}
