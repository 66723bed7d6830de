//go:build unix

package api

import (
	stdjson "encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// BenchmarkLook10000 states what a look at 10,000 unchanged members costs besides the network,
// decoding and comparing, as a share of doing it the plain way: encoding/json into structs, and a
// map that is built and compared each time.
func BenchmarkLook10000(b *testing.B) {
	const members, size = 10_000, 500
	var pages [][]byte
	for first := 0; first < members; first += size {
		pages = append(pages, memberPage(first, size, "", members))
	}
	state := diff.New("bench")
	state = diff.Compare(state, diff.Snapshot{Rows: decodeRows(b, pages), At: 1}).State
	known := decodeMap(b, pages)

	var ours, plain time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := cpu(b)
		if res := diff.Compare(state, diff.Snapshot{Rows: decodeRows(b, pages), At: 2}); res.Changed {
			b.Fatal("changed")
		}
		compared := cpu(b)
		if !maps.Equal(known, decodeMap(b, pages)) {
			b.Fatal("changed")
		}
		ours += compared - start
		plain += cpu(b) - compared
	}
	b.ReportMetric(float64(ours)/float64(plain), "x-plain")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N)/members, "cpu-ns/member")
}

func decodeRows(b *testing.B, pages [][]byte) []diff.Row {
	var w walk
	w.reset()
	for _, page := range pages {
		require.NoError(b, json.Unmarshal(page, &w, wire.Options))
	}
	return w.build()
}

func decodeMap(b *testing.B, pages [][]byte) map[string]plainMember {
	out := map[string]plainMember{}
	for _, body := range pages {
		var page plainPage
		require.NoError(b, stdjson.Unmarshal(body, &page))
		for _, m := range page.MemberModels {
			out[m.UnionID] = m
		}
	}
	return out
}
