package evidence_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/evidence"
)

var benchEvents = flag.Int("events", 1_000_000, "how many events the benchmark checks")

// benchPeople is how often somebody joins and leaves in a meeting of the benchmark.
const benchPeople = 49

// BenchmarkCheck checks a file of many meetings of a hundred events, each with leaf and seal. The
// file is made as it is read, as it would not fit into the memory that is measured.
func BenchmarkCheck(b *testing.B) {
	pair := key(b, 1)
	var meetings []*told
	perMeeting := 2 + 2*benchPeople
	for i := range max(1, *benchEvents/perMeeting) {
		meetings = append(meetings, tell(b, fmt.Sprintf("meeting%05d", i), pair).start().people(benchPeople).end())
	}
	l := log(b, pair, meetings...)
	file := l.all()
	b.SetBytes(int64(len(file)))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		got, err := evidence.Check([]evidence.File{{Name: "file", Reader: struct{ io.Reader }{bytes.NewReader(file)}}},
			evidence.Options{Keys: []string{public(b, pair)}, All: true})
		require.NoError(b, err)
		require.Equal(b, len(l.leaves)*perMeeting, got.Events)
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(len(l.leaves)*perMeeting*b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/float64(len(l.leaves)), "B/meeting")
}
