package callback

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

// nothing is a receiver that is done at once.
var nothing = receiver(func(context.Context, push.Push) error { return nil })

// BenchmarkHandler is the work of one push, without a network: verify, decrypt, decode, encrypt the
// answer.
func BenchmarkHandler(b *testing.B) {
	cipher := newCipher(b, testKeys)
	h := NewHandler(Options{Cipher: cipher, Receiver: nothing})
	r := signed(cipher, now(), cipher.Encrypt([]byte(joined)))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/?"+r.query.Encode(), strings.NewReader(r.body)))
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkHTTP is the same over kept connections, client included.
func BenchmarkHTTP(b *testing.B) {
	cipher := newCipher(b, testKeys)
	srv := httptest.NewServer(NewHandler(Options{Cipher: cipher, Receiver: nothing}))
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	r := signed(cipher, now(), cipher.Encrypt([]byte(joined)))
	url := srv.URL + "/?" + r.query.Encode()
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Post(url, "application/json", strings.NewReader(r.body))
			require.NoError(b, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			require.Equal(b, http.StatusOK, resp.StatusCode)
		}
	})
}
