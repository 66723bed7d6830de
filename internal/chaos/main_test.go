// Package chaos_test kills Rollcall and its NATS server, again and again and at random, while people come and go, and
// then compares what is stored with what happened. `go test ./internal/chaos` is a short dose; more with
//
//	go test ./internal/chaos -timeout 2h -chaos.kills 1000 -chaos.seed 7
package chaos_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/c4342123/rollcall/internal/embeddednats"
)

var (
	kills = flag.Int("chaos.kills", 6, "how many processes each test kills")
	seed  = flag.Uint64("chaos.seed", 0, "what chance depends on; 0 takes another one every time")
)

// Environment variables that make the test binary a NATS server.
const (
	natsDir    = "ROLLCALL_CHAOS_NATS_DIR"
	natsListen = "ROLLCALL_CHAOS_NATS_LISTEN"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	if dir := os.Getenv(natsDir); dir != "" {
		os.Exit(natsServer(dir, os.Getenv(natsListen)))
	}
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rollcall-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "rollcall")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/rollcall")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
		return 1
	}
	return m.Run()
}

// natsServer runs a NATS server until it is killed, or until whoever started it is gone.
func natsServer(dir, listen string) int {
	s, err := embeddednats.Start(context.Background(), embeddednats.Options{StoreDir: dir, Listen: listen})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if s.Close() != nil {
		return 1
	}
	return 0
}
