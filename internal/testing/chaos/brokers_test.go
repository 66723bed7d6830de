package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// Environment variables that make the test binary a NATS server.
const (
	natsDir    = "ROLLCALL_CHAOS_NATS_DIR"
	natsListen = "ROLLCALL_CHAOS_NATS_LISTEN"
	natsHealth = "ROLLCALL_CHAOS_NATS_HEALTH" // where it tells whether it is well
	natsRoute  = "ROLLCALL_CHAOS_NATS_ROUTE"  // where it listens for the others; empty when it is alone
	natsRoutes = "ROLLCALL_CHAOS_NATS_ROUTES"
)

// broker is a NATS server in a process of its own.
type broker struct {
	*process
	addr   string
	health string
}

// newBrokers starts one NATS server, or several that replicate.
func newBrokers(t testing.TB, n int) []*broker {
	var routes []string
	for range n {
		routes = append(routes, port.Free(t))
	}
	var out []*broker
	for i := range n {
		b := &broker{addr: port.Free(t), health: port.Free(t)}
		env := []string{natsDir + "=" + disk.Fast(t), natsListen + "=" + b.addr, natsHealth + "=" + b.health}
		if n > 1 {
			env = append(env, natsRoute+"="+routes[i], natsRoutes+"="+strings.Join(routes, ","))
		}
		b.process = newProcess(t, "nats-"+strconv.Itoa(i+1), env, os.Args[0])
		b.start()
		out = append(out, b)
	}
	return out
}

// well tells whether the server has caught up with everything.
func (b *broker) well(ctx context.Context) bool { return answers(ctx, "http://"+b.health+"/healthz") }

// answers tells whether GET answers with 200.
func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// natsServer runs a NATS server until it is killed, or until the process that started it is gone.
func natsServer(dir string) int {
	stop, err := startServer(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	stop()
	return 0
}

func startServer(dir string) (stop func(), err error) {
	opts, err := serverOptions(dir)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	s.ConfigureLogger()
	s.Start()
	return func() { s.Shutdown(); s.WaitForShutdown() }, nil
}

// serverOptions are those of a server as an operator would run it. It does not tell clients of the
// others: they are to come through the proxies.
func serverOptions(dir string) (*server.Options, error) {
	opts := &server.Options{
		JetStream: true, StoreDir: dir, SyncAlways: true, NoSigs: true, LogFile: dir + "/log",
		DisableJetStreamBanner: true, Cluster: server.ClusterOpts{NoAdvertise: true},
	}
	var err error
	if opts.Host, opts.Port, err = split(os.Getenv(natsListen)); err != nil {
		return nil, err
	}
	if opts.HTTPHost, opts.HTTPPort, err = split(os.Getenv(natsHealth)); err != nil {
		return nil, err
	}
	opts.ServerName = "n" + strconv.Itoa(opts.Port)
	if route := os.Getenv(natsRoute); route != "" {
		opts.Cluster.Name = "chaos"
		if opts.Cluster.Host, opts.Cluster.Port, err = split(route); err != nil {
			return nil, err
		}
		opts.Routes = server.RoutesFromStr("nats://" + strings.ReplaceAll(os.Getenv(natsRoutes), ",", ",nats://"))
	}
	return opts, nil
}

func split(address string) (string, int, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.Atoi(port)
	return host, n, err
}

// urls are where the servers are found.
func urls(brokers []*broker) string {
	var out []string
	for _, b := range brokers {
		out = append(out, "nats://"+b.addr)
	}
	return strings.Join(out, ",")
}
