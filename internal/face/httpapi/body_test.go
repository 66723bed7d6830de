package httpapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestABrokenBodyIsNamedInPlainWords: its sender need not know Go.
func TestABrokenBodyIsNamedInPlainWords(t *testing.T) {
	opts := Options{Meetings: table()}
	for body, want := range map[string]string{
		`{`:                            "ends too early",
		`{"title":`:                    "ends too early",
		`{"title":"a`:                  "ends too early",
		`{"title":5}`:                  "the title is no text",
		`{"title":{}}`:                 "the title is no text",
		`{"title":["a"]}`:              "the title is no text",
		`{"title":"a","colour":"red"}`: `"colour"`,
		`{"title":"a","title":"b"}`:    "comes twice",
		`{"title":"a"} x`:              "at byte 14",
		`{"title":"a",}`:               "at byte",
		`{title: "a"}`:                 "at byte",
		"{\"title\":\"\xff\"}":         "UTF-8",
		`[]`:                           "no object",
		`"a"`:                          "no object",
		`title=a`:                      "no object",
	} {
		text := problemOf(t, request(t, opts, http.MethodPut, "/v1/meetings/weekly", body), http.StatusBadRequest)
		assert.Contains(t, text, want, body)
		for _, word := range []string{"json:", "jsontext", "unmarshal", "Go ", "struct", "EOF"} {
			assert.NotContains(t, text, word, body)
		}
	}
}
