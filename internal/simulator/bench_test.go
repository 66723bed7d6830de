package simulator

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkPage measures a page of 128 members, without the network.
func BenchmarkPage(b *testing.B) {
	sc, err := ParseScenario([]byte(crowded(128)))
	require.NoError(b, err)
	s, err := New(Options{Scenario: sc, Start: time.Now().Add(-time.Minute), Settings: Settings{AccessToken: "fixed"}})
	require.NoError(b, err)
	handler := s.Handler()
	request := httptest.NewRequest(http.MethodGet, members, nil)
	request.Header.Set(tokenHeader, "fixed")
	b.ReportAllocs()
	for b.Loop() {
		reply := httptest.NewRecorder()
		handler.ServeHTTP(reply, request)
		if reply.Code != http.StatusOK {
			b.Fatal(reply.Body)
		}
	}
}
