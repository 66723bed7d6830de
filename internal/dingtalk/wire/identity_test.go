package wire

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUnionIDsThatAreCarriedAsTheyAre(t *testing.T) {
	for _, id := range []string{
		"", "x", "nHqGGpGYBVvtWtbZdJWdkgiEiE", "a b", "a:b/c+d=", "张三", "a\uFFFDb", "😀", strings.Repeat("x", 128), "sha256:ab",
	} {
		assert.Equal(t, id, UnionID(id))
	}
}

func TestUnionIDsThatCouldDoHarmAreReplaced(t *testing.T) {
	ids := map[string]string{
		"NUL":                "a\x00b",
		"another NUL":        "a\x00c",
		"line break":         "a\r\nNats-Rollup: all",
		"tab":                "a\tb",
		"DEL":                "a\x7f",
		"C1 control":         "a\u0085b",
		"line separator":     "a\u2028b",
		"non-character":      "a\uFFFEb",
		"other non-char":     "a\uFDD0b",
		"plane's last":       "a\U0010FFFFb",
		"blank in front":     " a",
		"blank behind":       "a ",
		"only a blank":       " ",
		"like a guest":       "guest:Ann@1",
		"too long":           strings.Repeat("x", 129),
		"too long elsewhere": strings.Repeat("x", 129) + "y",
		"bad UTF-8":          "a\xff",
	}
	given := make(map[string]string)
	for name, id := range ids {
		t.Run(name, func(t *testing.T) {
			got := UnionID(id)
			assert.Regexp(t, `^sha256:[0-9a-f]{32}$`, got)
			assert.Equal(t, got, UnionID(id), "one id stays one")
			assert.Equal(t, got, UnionID(got), "carried once is carried for ever")
			assert.NotContains(t, given, got, "two ids stay two")
			given[got] = id
		})
	}
}

// A unionId ends up in the NATS header Union-Id.
func TestUnionIDsSurviveAHeader(t *testing.T) {
	for _, id := range []string{"a\r\nNats-Rollup: all\r\n\r\n", "a\x00", " a ", "张三", "a:b"} {
		msg := nats.NewMsg("s")
		msg.Header.Set("Union-Id", UnionID(id))
		back, err := nats.DecodeHeadersMsg(encodeHeader(t, msg.Header))
		require.NoError(t, err)
		assert.Equal(t, nats.Header{"Union-Id": {UnionID(id)}}, back)
	}
}

// encodeHeader writes a header as the NATS protocol does.
func encodeHeader(t *testing.T, header nats.Header) []byte {
	t.Helper()
	var b strings.Builder
	b.WriteString("NATS/1.0\r\n")
	require.NoError(t, http.Header(header).Write(&b))
	b.WriteString("\r\n")
	return []byte(b.String())
}
