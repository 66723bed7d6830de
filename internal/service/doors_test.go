package service

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/testing/selfsigned"
)

// What DingTalk reaches is the callback, whether the process answers, and nothing else; and it
// reaches them nowhere else.
func TestTheWebhookApart(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := settings(t, api)
	s.Pushes = keys()
	s.Pushes.WebhookListen = freeAddress(t)
	r := start(t, s)
	r.ready()
	apart := &running{t: t, base: "http://" + string(s.Pushes.WebhookListen)}
	now := time.Now().UnixMilli()
	assert.Equal(t, http.StatusOK, apart.pushes("u-ann", "Ann", now))
	assert.Equal(t, http.StatusNotFound, r.pushes("u-bob", "Bob", now))
	for path, want := range map[string]int{
		"GET /livez": http.StatusOK, "POST /livez": http.StatusNotFound, "GET /": http.StatusNotFound, "GET /v1/meetings": http.StatusNotFound,
		"GET /metrics": http.StatusNotFound, "GET /readyz": http.StatusNotFound, "POST /login": http.StatusNotFound, "GET /openapi.yaml": http.StatusNotFound,
		"GET /webhooks/dingtalk": http.StatusNotFound, "POST /webhooks/dingtalk": http.StatusBadRequest, "POST /webhooks/dingtalk/corp": http.StatusBadRequest,
		"POST /webhooks/dingtalk/other": http.StatusNotFound, "POST /webhooks/dingtalk/": http.StatusNotFound, "PUT /v1/meetings/m": http.StatusNotFound,
	} {
		method, target, _ := strings.Cut(path, " ")
		status, body := apart.do(method, target, "")
		assert.Equal(t, want, status, "%s: %s", path, body)
	}
	for _, path := range []string{"/webhooks/dingtalk", "/webhooks/dingtalk/corp"} {
		status, _ := r.do(http.MethodPost, path, "")
		assert.Equal(t, http.StatusNotFound, status)
	}
}

// Both listeners show the pair of the files, a new one to new connections.
func TestTLS(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := settings(t, api)
	s.Pushes = keys()
	s.Pushes.WebhookListen = freeAddress(t)
	dir := t.TempDir()
	s.HTTP.TLSCert, s.HTTP.TLSKey = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := selfsigned.Write(t, s.HTTP.TLSCert, s.HTTP.TLSKey, "first.example", net.IPv4(127, 0, 0, 1))
	r := start(t, s)
	at := <-r.opened
	assert.Equal(t, "https://"+string(s.HTTP.Listen), at.HTTP)

	answers := func(address config.Address, trusted *x509.Certificate, most uint16) (int, error) {
		roots := x509.NewCertPool()
		roots.AddCert(trusted)
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: most}, DisableKeepAlives: true,
		}}
		resp, err := client.Get("https://" + string(address) + "/livez")
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	for _, address := range []config.Address{s.HTTP.Listen, s.Pushes.WebhookListen} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			status, err := answers(address, first, version)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, status)
		}
		_, err := answers(address, first, tls.VersionTLS11)
		require.ErrorContains(t, err, "protocol version")
	}
	key, err := os.ReadFile(s.HTTP.TLSKey)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.HTTP.TLSKey, []byte("of another certificate"), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "TLS certificate") }, patience, 20*time.Millisecond, "it is logged")
	_, err = answers(s.HTTP.Listen, first, 0)
	require.NoError(t, err, "the old pair is kept")
	require.NoError(t, os.WriteFile(s.HTTP.TLSKey, key, 0o600))

	second := selfsigned.Write(t, s.HTTP.TLSCert, s.HTTP.TLSKey, "second.example", net.IPv4(127, 0, 0, 1))
	for _, address := range []config.Address{s.HTTP.Listen, s.Pushes.WebhookListen} {
		_, err := answers(address, second, 0)
		require.NoError(t, err)
	}
}

func TestAPairThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := settings(t, api)
	s.HTTP.TLSCert, s.HTTP.TLSKey = "/nowhere/cert.pem", "/nowhere/key.pem"
	var usage *config.UsageError
	require.ErrorAs(t, Run(t.Context(), Options{Settings: s}), &usage)
	assert.Equal(t, "tls-cert", usage.Setting)
	s.HTTP.TLSCert, s.HTTP.APITokens = "", "/nowhere/tokens.yaml"
	require.ErrorAs(t, Run(t.Context(), Options{Settings: s}), &usage)
	assert.Equal(t, "api-tokens", usage.Setting)
}
