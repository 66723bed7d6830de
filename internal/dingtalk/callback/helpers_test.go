package callback

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

const joined = `{"EventType":"meeting_member_status_change","EventTime":1663143335567,"eventId":"e1","changeScene":"user_join",
 "openMemberModels":[{"userId":"2iPOw","userNick":"Ann","conferenceId":"6321a","joinTime":1663143334000,"attendStatus":3}]}`

var testKeys = Keys{Token: "callback-token", AESKey: "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7", OwnerKey: "owner-key"}

func newCipher(t testing.TB, keys Keys) *Cipher {
	t.Helper()
	c, err := NewCipher(keys)
	require.NoError(t, err)
	return c
}

// receiver is a [push.Receiver] made of a function.
type receiver func(ctx context.Context, p push.Push) error

var _ push.Receiver = receiver(nil)

func (f receiver) Receive(ctx context.Context, p push.Push) error { return f(ctx, p) }

// callback is a handler behind a real HTTP server, and what became of it.
type callback struct {
	*httptest.Server
	t      *testing.T
	cipher *Cipher
	logs   *buffer

	mu       sync.Mutex
	outcomes []Outcome
	pushes   []push.Push
}

// soon is far longer than anything here takes, and ends a test that hangs.
const soon = time.Minute

// buffer is a log that may be read while it is written.
type buffer = logbuffer.Buffer

func serve(t *testing.T, opts Options) *callback {
	t.Helper()
	opts.ReadTimeout = cmp.Or(opts.ReadTimeout, soon) // the machine may be slow
	c := &callback{t: t, cipher: newCipher(t, testKeys), logs: &buffer{}}
	if opts.Cipher == nil {
		opts.Cipher = c.cipher
	}
	if opts.Receiver == nil {
		opts.Receiver = receiver(func(_ context.Context, p push.Push) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.pushes = append(c.pushes, p)
			return nil
		})
	}
	opts.Observe = func(o Outcome, took time.Duration) {
		c.mu.Lock()
		defer c.mu.Unlock()
		assert.Positive(t, took)
		c.outcomes = append(c.outcomes, o)
	}
	opts.Logger = slog.New(slog.NewTextHandler(c.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Server = httptest.NewServer(NewHandler(opts))
	t.Cleanup(func() {
		c.Close()
		c.checkLogs()
	})
	return c
}

// checkLogs: whatever a test did, no secret may have reached the log.
func (c *callback) checkLogs() {
	for _, secret := range []string{testKeys.Token, testKeys.AESKey, testKeys.OwnerKey, "Ann", "msg_signature"} {
		assert.NotContains(c.t, c.logs.String(), secret)
	}
}

// seen waits until so many requests have ended and returns how.
func (c *callback) seen(n int) []Outcome {
	c.t.Helper()
	var got []Outcome
	require.Eventually(c.t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		got = append([]Outcome(nil), c.outcomes...)
		return len(got) >= n
	}, soon, time.Millisecond)
	return got
}

func (c *callback) received() []push.Push {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]push.Push(nil), c.pushes...)
}

// request is what DingTalk would send, or nearly.
type request struct {
	query url.Values
	body  string
}

func signed(c *Cipher, timestamp, encrypted string) request {
	body, _ := json.Marshal(sealed{encrypted})
	return request{
		query: url.Values{"msg_signature": {c.Sign(timestamp, "n0nce", encrypted)}, "timestamp": {timestamp}, "nonce": {"n0nce"}},
		body:  string(body),
	}
}

func now() string { return strconv.FormatInt(time.Now().UnixMilli(), 10) }

func (c *callback) push(message string) request {
	return signed(c.cipher, now(), c.cipher.Encrypt([]byte(message)))
}

// answer is a reply that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (c *callback) send(r request) answer {
	c.t.Helper()
	resp, err := http.Post(c.URL+"/webhooks/dingtalk?"+r.query.Encode(), "application/json", strings.NewReader(r.body))
	require.NoError(c.t, err)
	return c.read(resp)
}

func (c *callback) read(resp *http.Response) answer {
	c.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// checkSuccess opens an answer as DingTalk does.
func (c *callback) checkSuccess(a answer) {
	c.t.Helper()
	checkSuccess(c.t, c.cipher, a)
}

func checkSuccess(t *testing.T, c *Cipher, a answer) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Equal(t, "application/json", a.header.Get("Content-Type"))
	var fields map[string]string
	require.NoError(t, json.Unmarshal([]byte(a.body), &fields))
	require.Len(t, fields, 4)
	require.NoError(t, c.Verify(fields["msg_signature"], fields["timeStamp"], fields["nonce"], fields["encrypt"]))
	message, err := c.Decrypt(fields["encrypt"])
	require.NoError(t, err)
	assert.Equal(t, "success", string(message))
	ms, err := strconv.ParseInt(fields["timeStamp"], 10, 64)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), time.UnixMilli(ms), time.Minute, "the time stamp is in milliseconds")
	assert.Len(t, fields["nonce"], nonceLength)
}

func checkProblem(t *testing.T, a answer, status int) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	assert.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	var problem struct {
		Status int
		Detail string
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &problem))
	assert.Equal(t, status, problem.Status)
	assert.NotEmpty(t, problem.Detail)
	for _, secret := range []string{testKeys.Token, testKeys.AESKey, testKeys.OwnerKey} {
		assert.NotContains(t, a.body, secret)
	}
}
