package simulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// The keys of these tests.
const (
	hookToken = "hook-token"
	hookKey   = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
	patience  = 30 * time.Second // less than idle: what is to come does not come by chance
)

func newCipher(token, aesKey, ownerKey string) (Cipher, error) {
	c, err := callback.NewCipher(callback.Keys{Token: token, AESKey: aesKey, OwnerKey: ownerKey})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// received is what came in one request: why it was refused, or the event.
type received struct {
	problem string
	event   pushEvent
	at      time.Time
}

func (r received) String() string {
	if r.problem != "" {
		return r.problem
	}
	text := r.event.ChangeScene
	for _, m := range r.event.OpenMemberModels {
		text += " " + m.UserNick
	}
	return text
}

// receiver is a webhook.
type receiver struct {
	t       *testing.T
	cipher  Cipher
	url     string
	answer  func(w http.ResponseWriter, req *http.Request, c Cipher) // instead of success
	mu      sync.Mutex
	got     []received
	queries []string
}

// receive starts a webhook that answers as it must.
func receive(t *testing.T) *receiver {
	t.Helper()
	cipher, err := newCipher(hookToken, hookKey, DefaultAppKey)
	require.NoError(t, err)
	r := &receiver{t: t, cipher: cipher}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook?tenant=7"
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	got := received{at: time.Now()}
	got.problem = r.read(req, &got.event)
	r.mu.Lock()
	r.got = append(r.got, got)
	r.queries = append(r.queries, req.URL.RawQuery)
	answer := r.answer
	r.mu.Unlock()
	switch {
	case got.problem != "":
		http.Error(w, got.problem, http.StatusBadRequest)
	case answer != nil:
		answer(w, req, r.cipher)
	default:
		answerWith(w, r.cipher, "success")
	}
}

// read checks a request as the documentation says, and returns what is wrong with it.
func (r *receiver) read(req *http.Request, event *pushEvent) string {
	query := req.URL.Query()
	assert.Equal(r.t, "7", query.Get("tenant"))
	var body struct{ Encrypt string }
	data, _ := io.ReadAll(req.Body)
	if json.Unmarshal(data, &body) != nil {
		return "no JSON"
	}
	signature, timestamp := query.Get("msg_signature")+query.Get("signature"), query.Get("timestamp")+query.Get("timeStamp")
	if r.cipher.Verify(signature, timestamp, query.Get("nonce"), body.Encrypt) != nil {
		return "forged"
	}
	if ms, err := strconv.ParseInt(timestamp, 10, 64); assert.NoError(r.t, err) && time.Since(time.UnixMilli(ms)).Abs() > time.Hour {
		return "old"
	}
	message, err := r.cipher.Decrypt(body.Encrypt)
	if err != nil {
		return "foreign"
	}
	if err := json.Unmarshal(message, event); err != nil {
		return "no event"
	}
	return ""
}

func answerWith(w http.ResponseWriter, c Cipher, word string) {
	encrypted := c.Encrypt([]byte(word))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{
		"msg_signature": c.Sign("1700000000000", "nonce", encrypted), "timeStamp": "1700000000000", "nonce": "nonce", "encrypt": encrypted,
	})
}

// answerBy changes how the webhook answers from now on.
func (r *receiver) answerBy(f func(w http.ResponseWriter, req *http.Request, c Cipher)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received{}, r.got...)
}

func (r *receiver) texts() []string {
	out := []string{}
	for _, got := range r.all() {
		out = append(out, got.String())
	}
	return out
}

// gets waits for exactly this, in this order.
func (r *receiver) gets(want ...string) {
	r.t.Helper()
	if !assert.Eventually(r.t, func() bool { return len(r.all()) >= len(want) }, patience, time.Millisecond) {
		r.t.Fatalf("came: %s", strings.Join(r.texts(), ", "))
	}
	require.Equal(r.t, want, r.texts())
}

// pushing starts the pushes of a simulator on the machine's clock, in which nobody has come yet to
// meeting m.
func pushing(t *testing.T, settings Settings, faults ...fault.Fault) *Simulator {
	t.Helper()
	s, err := New(Options{
		Scenario: &Scenario{Meetings: []history.Plan{{ID: "m", Title: "T", Start: history.Duration(-time.Minute), People: []history.Person{{Nick: "Ann"}, {Nick: "Bob"}, {Nick: "Cat"}}}}},
		Settings: settings, Faults: faults, NewCipher: newCipher,
	})
	require.NoError(t, err)
	runPushes(t, s)
	return s
}

// runPushes runs the pushes until the test ends, and lets connections in.
func runPushes(t *testing.T, s *Simulator) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.RunPushes(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.gateway.running != nil
	}, patience, time.Millisecond)
}

// do makes things happen at once: "join Ann", "leave Ann".
func do(t *testing.T, s *Simulator, what ...string) {
	t.Helper()
	var actions []history.LiveAction
	for _, text := range what {
		verb, person, _ := strings.Cut(text, " ")
		actions = append(actions, history.LiveAction{Do: history.Verb(verb), Person: person})
	}
	_, _, err := s.Do("m", actions...)
	require.NoError(t, err)
}

// settled waits until the counts of one way are these.
func settled(t *testing.T, s *Simulator, class fault.Class, want WayStats) {
	t.Helper()
	if !assert.Eventually(t, func() bool { return s.Stats().Pushes.Ways[class] == want }, patience, time.Millisecond) {
		t.Fatalf("counts: %+v", s.Stats().Pushes.Ways[class])
	}
}
