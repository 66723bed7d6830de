package release

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// patience is how long anything may take that comes at once.
const patience = 60 * time.Second

// program is Rollcall: built here, or the one that ROLLCALL_TEST_PROGRAM names.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if program = os.Getenv("ROLLCALL_TEST_PROGRAM"); program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "rollcall-release-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "rollcall")
	if out, err := exec.Command("go", "build", "-o", program, "../../../cmd/rollcall").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
		return 1
	}
	return m.Run()
}

// output returns what a command prints.
func output(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(clean(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", args, stderr.String())
	return out
}

// clean is the environment without settings of Rollcall.
func clean() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} }

// served is `rollcall serve` on a data directory.
type served struct {
	http, nats string // addresses
	stop       func()
}

// apiToken may do everything.
const apiToken = "a-token-of-more-than-16"

// serve starts the service, and waits until it is ready. It is stopped at the end of the test if it
// has not been before.
func serve(t *testing.T, dingtalk, dataDir string) *served {
	t.Helper()
	s := &served{http: port.Free(t), nats: port.Free(t)}
	cmd := exec.Command(program, "serve", "--listen", s.http, "--embedded-listen", s.nats, "--data-dir", dataDir, "--retention", "0",
		"--dingtalk-url", dingtalk, "--dingtalk-app-key", simulator.DefaultAppKey, "--dingtalk-app-secret", simulator.DefaultAppSecret,
		"--discovery-interval", "1s", "--poll-min-interval", "100ms", "--poll-max-interval", "500ms", "--dingtalk-rate", "200", "--dingtalk-monthly-calls", "1000000000",
		"--webhook-token", "callback-token", "--webhook-aes-key", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij",
		"--webhook-owner-key", simulator.DefaultAppKey, "--api-token", apiToken)
	cmd.Env = append(clean(), "ROLLCALL_EMBEDDED_OPERATOR_USER="+operator, "ROLLCALL_EMBEDDED_OPERATOR_PASSWORD="+operator)
	var log logbuffer.Buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	stopped := false
	s.stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			require.NoError(t, cmd.Wait(), "%s", &log)
		}
	}
	t.Cleanup(s.stop)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + s.http + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, patience, 20*time.Millisecond, "%s", &log)
	return s
}

// env is what commands need to find the service.
func (s *served) env() []string { return []string{"ROLLCALL_NATS_URL=" + s.url()} }

// operator is who may do everything in the embedded server, and the password.
const operator = "operator"

// url is where the embedded server is, with that login.
func (s *served) url() string { return "nats://" + operator + ":" + operator + "@" + s.nats }
