// Package scale measures what many meetings cost one replica in which nothing happens: memory, CPU,
// and the time until a restarted one looks again. Each measurement is a process of its own, with
// the NATS server inside.
//
//	go test -run '^$' -bench . -benchtime 1x ./internal/testing/scale
package scale

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// people is how many are in each meeting.
	people = 20
	// role and directory tell a process what it is to do, and where the NATS server keeps its
	// store.
	role, directory, size, rest = "SCALE_ROLE", "SCALE_DIR", "SCALE_MEETINGS", "SCALE_REST"
)

var meetings = flag.Int("meetings", 100_000, "quiet meetings that one replica watches")

func TestMain(m *testing.M) {
	do, ok := roles[os.Getenv(role)]
	if !ok {
		os.Exit(m.Run())
	}
	n, err := strconv.Atoi(os.Getenv(size))
	if err == nil {
		err = do(context.Background(), n)
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

// roles are what a process can be made for.
var roles = map[string]func(ctx context.Context, meetings int) error{"fill": fill, "watch": watch}

// figures are what a process has measured of itself.
type figures struct {
	Looks     int           // made until all meetings were looked at
	Started   time.Duration // until the NATS server was up, from the start of the process's work
	FirstLook time.Duration // until the first look
	Ready     time.Duration // until all states were read
	ReadyCPU  time.Duration // CPU until then, that of looks made meanwhile included
	AllLooked time.Duration // until every meeting was looked at once
	Peak      int           // resident, until then, in KiB
	Resident  int           // at rest, in KiB
	Heap      uint64        // bytes of it that are in use
	Idle      float64       // CPU at rest: seconds per second
	// LooksAtRest are looks that were made all the same.
	LooksAtRest int
}

// process runs this program in another role and returns what it says.
func process(tb testing.TB, as, dir string, n int, atRest time.Duration) []byte {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+as, directory+"="+dir, size+"="+strconv.Itoa(n), rest+"="+atRest.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(tb, err, as)
	return out
}

// measure fills a store and watches what is in it.
func measure(tb testing.TB, n int, atRest time.Duration) figures {
	tb.Helper()
	dir := tb.TempDir()
	process(tb, "fill", dir, n, 0)
	var f figures
	require.NoError(tb, json.Unmarshal(process(tb, "watch", dir, n, atRest), &f))
	return f
}

// TestMeasurement keeps the measurement itself working, at a size that takes no time.
func TestMeasurement(t *testing.T) {
	const few = 200
	f := measure(t, few, 100*time.Millisecond)
	assert.GreaterOrEqual(t, f.Looks, few)
	assert.Positive(t, f.Resident)
	assert.Positive(t, f.Heap)
	assert.LessOrEqual(t, f.FirstLook, f.AllLooked)
}

// BenchmarkQuietMeetings is one replica at rest with many meetings, and what its restart takes.
func BenchmarkQuietMeetings(b *testing.B) {
	for b.Loop() {
		f := measure(b, *meetings, time.Minute)
		b.ReportMetric(float64(f.Resident)/1024, "MiB-resident")
		b.ReportMetric(float64(f.Peak)/1024, "MiB-peak")
		b.ReportMetric(float64(f.Heap)/float64(*meetings), "heap-B/meeting")
		b.ReportMetric(100*f.Idle, "idle-%core")
		b.ReportMetric(float64(f.LooksAtRest), "looks-at-rest")
		b.ReportMetric(f.Started.Seconds(), "s-to-NATS")
		b.ReportMetric(f.FirstLook.Seconds(), "s-to-first-look")
		b.ReportMetric(f.Ready.Seconds(), "s-to-all-read")
		b.ReportMetric(f.ReadyCPU.Seconds(), "cpu-s-to-all-read")
		b.ReportMetric(f.AllLooked.Seconds(), "s-to-all-looked-at")
	}
}
