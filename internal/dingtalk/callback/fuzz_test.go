package callback

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

// FuzzRequest takes the bytes of a whole request, as they come over the wire.
func FuzzRequest(f *testing.F) {
	cipher := newCipher(f, testKeys)
	stamp := "1663143335567"
	for _, message := range []string{joined, `{"EventType":"check_url"}`, `{"EventType":"x"}`, "garbage", ""} {
		for _, r := range []request{signed(cipher, stamp, cipher.Encrypt([]byte(message))), signed(cipher, "1663143335", message)} {
			f.Add(fmt.Appendf(nil, "POST /webhooks/dingtalk?%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", r.query.Encode(), len(r.body), r.body))
			f.Add(fmt.Appendf(nil, "POST /?%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", r.query.Encode(), len(r.body), r.body))
		}
	}
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("POST /?signature=%zz&timeStamp=1 HTTP/1.0\r\nContent-Length: 9999999\r\n\r\n{"))

	var outcome Outcome
	received := 0
	h := NewHandler(Options{
		Cipher:   cipher,
		Now:      func() time.Time { return time.UnixMilli(1663143335567) },
		Observe:  func(o Outcome, _ time.Duration) { outcome = o },
		Receiver: receiver(func(context.Context, push.Push) error { received++; return nil }),
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		outcome, received = "", 0
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		a := answer{w.Code, w.Header(), w.Body.String()}
		if w.Code == http.StatusOK {
			require.Contains(t, []Outcome{Stored, Ignored, Verified}, outcome)
			return
		}
		checkProblem(t, a, answers[outcome].status)
		require.Zero(t, received)
	})
}

// FuzzMessage takes what is inside a genuine request.
func FuzzMessage(f *testing.F) {
	cipher := newCipher(f, testKeys)
	f.Add([]byte(joined), uint8(0))
	f.Add([]byte(`{"EventType":"check_url"}`), uint8(32))
	f.Add([]byte{}, uint8(255))
	f.Fuzz(func(t *testing.T, message []byte, flip uint8) {
		encrypted := cipher.Encrypt(message)
		got, err := cipher.Decrypt(encrypted)
		require.NoError(t, err)
		require.Equal(t, string(message), string(got))
		changed := []byte(encrypted)
		changed[int(flip)%len(changed)] ^= 1 << (flip % 7)
		if _, err := cipher.Decrypt(string(changed)); err != nil {
			require.ErrorIs(t, err, ErrMessage)
		}
	})
}
