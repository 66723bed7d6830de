package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// cipher has the keys of the tests, for an owner.
func cipher(t *testing.T, owner string) *callback.Cipher {
	t.Helper()
	c, err := callback.NewCipher(callback.Keys{Token: hookToken, AESKey: hookAESKey, OwnerKey: owner})
	require.NoError(t, err)
	return c
}

// signed is the path and the body of a request with this in its envelope.
func signed(t *testing.T, encrypted string) (path, body string) {
	t.Helper()
	timestamp, nonce := strconv.FormatInt(time.Now().UnixMilli(), 10), "n0nce"
	query := url.Values{
		"timestamp": {timestamp}, "nonce": {nonce},
		"msg_signature": {cipher(t, hookOwnerKey).Sign(timestamp, nonce, encrypted)},
	}
	raw, err := json.Marshal(map[string]string{"encrypt": encrypted})
	require.NoError(t, err)
	return hookPath + "?" + query.Encode(), string(raw)
}

// joinOf is the push of a join.
func joinOf(conference, person string) string {
	now := time.Now().UnixMilli()
	return fmt.Sprintf(`{"EventType":"meeting_member_status_change","EventTime":%d,"eventId":"e-%s","changeScene":"user_join",
		"openMemberModels":[{"userId":%q,"userNick":"Nick of %[3]s","conferenceId":%q,"joinTime":%[1]d,"attendStatus":3}]}`,
		now, person, person, conference)
}

// forms are requests and how they are to be answered.
func forms(t *testing.T) map[string]struct {
	path, body string
	want       int
} {
	t.Helper()
	type form = struct {
		path, body string
		want       int
	}
	own := cipher(t, hookOwnerKey)
	good := own.Encrypt([]byte(joinOf("office", "Mallory")))
	path, body := signed(t, good)
	out := map[string]form{
		"wrong signature": {strings.Replace(path, "msg_signature=", "msg_signature=0", 1), body, http.StatusUnauthorized},
		"no signature":    {hookPath, body, http.StatusUnauthorized},
		"garbage":         {path, "}{ no JSON", http.StatusBadRequest},
		"truncated":       {path, body[:len(body)/2], http.StatusBadRequest},
		"empty":           {path, "", http.StatusBadRequest},
		"too large":       {path, `{"encrypt":"` + strings.Repeat("A", 1<<20) + `"}`, http.StatusRequestEntityTooLarge},
	}
	for name, encrypted := range map[string]string{
		"wrong owner":      cipher(t, "somebody-else").Encrypt([]byte(joinOf("office", "Mallory"))),
		"half a message":   good[:len(good)/2/4*4],
		"wrong padding":    flipped(good),
		"no base64":        "%%%",
		"no JSON inside":   own.Encrypt([]byte("Mallory")),
		"no type inside":   own.Encrypt([]byte(`{"userNick":"Mallory"}`)),
		"no meeting named": own.Encrypt([]byte(joinOf("no good/Mallory", "Mallory"))),
	} {
		path, body := signed(t, encrypted)
		out[name] = form{path, body, http.StatusBadRequest}
	}
	return out
}

// flipped changes the last block, which ends with the padding.
func flipped(encrypted string) string {
	at := len(encrypted) - 8
	other := byte('A')
	if encrypted[at] == other {
		other = 'B'
	}
	return encrypted[:at] + string(other) + encrypted[at+1:]
}

func TestWhatTheWebhookRefuses(t *testing.T) {
	t.Parallel()
	d := drive(t, plan{scenario: office, set: func(s *config.Settings) {
		s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, "the privacy key, of 32 bytes or so"
	}})
	d.watch("office", "1")
	for name, f := range forms(t) {
		status, answer := d.post(f.path, f.body)
		assert.Equal(t, f.want, status, "%s: %s", name, answer)
		assert.NotContains(t, answer, "Mallory", name)
	}
	status, _ := d.request(http.MethodGet, hookPath, http.NoBody)
	assert.Equal(t, http.StatusMethodNotAllowed, status)
	assert.Len(t, stored(t, d.js, "office"), 2)
	log := d.log.String()
	assert.Contains(t, log, "push refused")
	for _, secret := range []string{hookToken, hookAESKey, simulator.DefaultAppSecret, "the privacy key", "Mallory"} {
		assert.NotContains(t, log, secret)
	}
	d.bounded(webhookOutcomes)
}

// post makes a push, again if the machine was too slow for it.
func (d *driven) post(path, body string) (status int, answer string) {
	d.Helper()
	require.Eventually(d, func() bool {
		status, answer = d.request(http.MethodPost, path, strings.NewReader(body))
		return status != 0 && status != http.StatusRequestTimeout
	}, patient, time.Millisecond)
	return status, answer
}

// webhookOutcomes are all that may become of a push.
var webhookOutcomes = []string{
	"stored", "ignored", "verified", "wrong_method", "too_large", "too_slow", "malformed", "wrong_signature", "stale",
	"undecipherable", "overloaded", "not_stored",
}

// bounded holds the labels of the pushes' metrics to what is known beforehand, whatever is sent.
func (d *driven) bounded(outcomes []string) {
	d.Helper()
	body := d.answers("/metrics", http.StatusOK, "rollcall_pushes_total")
	known := map[string]bool{}
	for _, o := range outcomes {
		known[fmt.Sprintf(`rollcall_pushes_total{outcome=%q,way="webhook"}`, o)] = true
	}
	for line := range strings.Lines(body) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "rollcall_pushes_total{") {
			assert.True(d, known[name], line)
		}
	}
}

func TestWithoutKeysThereIsNoWebhook(t *testing.T) {
	t.Parallel()
	d := drive(t, plan{scenario: office, set: func(s *config.Settings) { s.Pushes = config.Pushes{} }})
	path, body := signed(t, cipher(t, hookOwnerKey).Encrypt([]byte(joinOf("office", "bob"))))
	status, _ := d.request(http.MethodPost, path, strings.NewReader(body))
	assert.Equal(t, http.StatusNotFound, status)
}

// TestAPushWhileNATSIsAway is answered 503, and stored once when DingTalk sends it again.
func TestAPushWhileNATSIsAway(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	proxy := faultproxy.Start(t, strings.TrimPrefix(server.ClientURL(), "nats://"))
	const unreadable = `{meetings: [{id: office, start: -1m, unlisted: true, denied: true}]}` // pushes alone tell of it
	d := drive(t, plan{scenario: unreadable, set: func(s *config.Settings) {
		s.NATS.URL = config.Servers{"nats://" + proxy.Addr()}
	}, direct: server.ClientURL()})
	path, body := signed(t, cipher(t, hookOwnerKey).Encrypt([]byte(joinOf("office", "bob"))))
	isStored := func() { // if need be when it is sent again: the machine may be slow
		require.Eventually(t, func() bool {
			status, _ := d.post(path, body)
			return status == http.StatusOK
		}, patient, time.Millisecond)
	}
	isStored() // it begins to be watched
	path, body = signed(t, cipher(t, hookOwnerKey).Encrypt([]byte(joinOf("office", "cho"))))
	proxy.Refuse(true)
	proxy.Cut()
	status, _ := d.post(path, body)
	require.Equal(t, http.StatusServiceUnavailable, status)
	d.answers("/readyz", http.StatusServiceUnavailable, "nats")
	proxy.Refuse(false)
	d.answers("/readyz", http.StatusOK, "degraded") // the list cannot be read
	isStored()
	isStored() // and again
	assert.Equal(t, []string{"started", "1 joined bob push", "2 joined cho push"}, brief(short(stored(t, d.js, "office"))))
}
