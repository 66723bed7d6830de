// Package leak fails a package whose tests leave goroutines behind.
package leak

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long what is about to end may take to end. goleak alone waits for a third of a
// second, and a busy machine may let a goroutine stand still for longer than that.
const patience = 30 * time.Second

// sideBySide is how many tests that call t.Parallel run at once, unless -parallel says otherwise.
// Most of them wait for servers and time-outs, for which no processor is needed.
const sideBySide = 8

// Main runs the tests, eight of the parallel ones at once, and ends the process: with a failure if
// one failed, or if goroutines outlive them all.
func Main(m *testing.M, options ...goleak.Option) { os.Exit(Run(m, options...)) }

// Run is Main for tests after which something is to be done: it returns the status with which the
// process has to end.
func Run(m *testing.M, options ...goleak.Option) (code int) {
	runSideBySide()
	keep := goleak.Cleanup(func(status int) { code = status })
	goleak.VerifyTestMain(waiting{m.Run, options}, append(slices.Clone(options), keep)...)
	return code
}

func runSideBySide() {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", strconv.Itoa(sideBySide)) // a number is never refused
	}
}

// ServersCutShort excuses what a NATS server leaves running that is shut down while it makes a
// stream: the stream's files stay open (nats-server 2.15.3).
func ServersCutShort() []goleak.Option {
	const server = "github.com/nats-io/nats-server/v2/server"
	return []goleak.Option{
		goleak.IgnoreTopFunction(server + ".(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction(server + ".(*msgBlock).flushLoop"),
		goleak.IgnoreTopFunction(server + "/ats.Register.func1"),
	}
}

// waiting runs tests and waits for the goroutines they leave behind.
type waiting struct {
	run     func() int
	options []goleak.Option
}

// Run returns what the tests returned.
func (w waiting) Run() int {
	code := w.run()
	for began := time.Now(); code == 0 && goleak.Find(w.options...) != nil && time.Since(began) < patience; {
		continue // Find has waited
	}
	return code
}
