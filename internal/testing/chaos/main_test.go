// Package chaos_test runs Rollcall as it is run in earnest, replicas and NATS servers being
// processes of their own, and kills, pauses, cuts off and restarts them at random, while people
// come and go in many meetings. Then it compares what is stored with what happened. `go test
// ./internal/testing/chaos` is a short dose of it; more with
//
//	go test ./internal/testing/chaos -run TestChaos -v -timeout 2h -chaos.kills 1000 -chaos.brokers 3 -chaos.seed 7
package chaos_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	replicas = flag.Int("chaos.replicas", 3, "how many replicas of the service run")
	brokers  = flag.Int("chaos.brokers", 1, "how many NATS servers run, 1 or 3, the stream being on all of them; 0 = the one in the service")
	kills    = flag.Int("chaos.kills", 0, "how many faults are injected; 0 for the short doses of every kind")
	pace     = flag.Duration("chaos.pace", 900*time.Millisecond, "mean time between two faults")
	faults   = flag.String("chaos.faults", "", "which faults, with commas between: "+faultNames()+"; empty for all")
	seed     = flag.Uint64("chaos.seed", 0, "what chance depends on; 0 takes another one every time")
	flaws    = flag.Int("chaos.flaws", 0, "how many faults each program is given that is made to fail; 0 = no such programs but one")
	logs     = flag.String("chaos.logs", "", "where to keep the logs of all processes; not at all when empty")
	strict   = flag.Bool("chaos.strict", false, "hold the machine to the time limits, too")
)

// workshop is where programs are built and, unless there is a faster place, where NATS servers keep
// their data.
var workshop string

func TestMain(m *testing.M) {
	if dir := os.Getenv(natsDir); dir != "" {
		os.Exit(natsServer(dir))
	}
	_ = flag.Set("test.parallel", "8") // the tests wait for what they started, mostly
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rollcall-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	workshop = dir
	if err := build(theProgram(), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// theProgram is where the program under test is.
func theProgram() string { return filepath.Join(workshop, "rollcall") }
