package natstest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

var introduction = regexp.MustCompile(`(INFO \{[^\r\n]*"version":")[^"]*`)

// Masked lets the server at the URL introduce itself as one of another version, to those that come
// through the proxy.
func Masked(t testing.TB, server, version string) *faultproxy.Proxy {
	t.Helper()
	proxy := faultproxy.Start(t, strings.TrimPrefix(server, "nats://"))
	proxy.ToClient(func(data []byte) []byte {
		return introduction.ReplaceAll(data, []byte("${1}"+version))
	})
	return proxy
}

// Says returns the URL of something that speaks as much of the protocol as it takes to be taken for
// a server called "oldie" of that version.
func Says(t testing.TB, version string) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { greet(t.Context(), c, version) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return "nats://" + l.Addr().String()
}

// greet answers until the other side has gone, or ctx ends.
func greet(ctx context.Context, c net.Conn, version string) {
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	defer func() { _ = c.Close() }()
	_, _ = fmt.Fprintf(c, "INFO {\"server_id\":\"X\",\"server_name\":\"oldie\",\"version\":%q,\"proto\":1,\"headers\":true,"+
		"\"max_payload\":1048576,\"jetstream\":true}\r\n", version)
	for in := bufio.NewScanner(c); in.Scan(); {
		if strings.HasPrefix(in.Text(), "PING") {
			_, _ = fmt.Fprint(c, "PONG\r\n")
		}
	}
}
