package publisher

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// leaderVersion is what servers add to the description of a stream: the version of the one that
	// answers, which is the stream's leader.
	leaderVersion = "_nats.ver"
	// greetTimeout bounds the wait for a server to introduce itself, greetSize how much it may
	// send.
	greetTimeout = 2 * time.Second
	greetSize    = 64 << 10
)

// checkServers refuses servers that are too old: the connected one and, if there is a stream, its
// leader and those that may become it. It returns what there is to warn of those that it accepts.
func checkServers(ctx context.Context, nc *nats.Conn, info *jetstream.StreamInfo) (warnings []string, err error) {
	if err := CheckServer(nc); err != nil {
		return nil, err
	}
	peers := []peer{connected(nc)}
	if info != nil {
		peers = append(peers, keepers(ctx, nc, info)...)
	}
	for _, p := range peers {
		if err := p.check(); err != nil {
			return nil, err
		}
		if w := p.warning(); w != "" {
			warnings = append(warnings, w)
		}
	}
	return warnings, nil
}

// checkKeepers checks all servers that have to do with the stream, and logs what there is to be
// warned of.
func checkKeepers(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, log *slog.Logger) error {
	st, err := js.Stream(ctx, events.Stream)
	if err != nil {
		return fmt.Errorf("look for stream %s: %w", events.Stream, err)
	}
	warnings, err := checkServers(ctx, nc, st.CachedInfo())
	for _, w := range warnings {
		log.Warn(w)
	}
	return err
}

// keepers are the servers that keep the stream, but for the connected one, as far as their versions
// can be known.
func keepers(ctx context.Context, nc *nats.Conn, info *jetstream.StreamInfo) []peer {
	if info.Cluster == nil || info.Cluster.Leader == "" {
		return nil // there is but one server
	}
	known := map[string]bool{nc.ConnectedServerName(): true}
	var out []peer
	add := func(p peer) {
		if !known[p.name] {
			known[p.name] = true
			out = append(out, p)
		}
	}
	if v := info.Config.Metadata[leaderVersion]; v != "" {
		add(peer{info.Cluster.Leader, "which leads stream " + events.Stream, v})
	}
	var replicas []string
	for _, r := range info.Cluster.Replicas {
		replicas = append(replicas, r.Name)
	}
	if slices.ContainsFunc(replicas, func(name string) bool { return !known[name] }) {
		for _, p := range greetings(ctx, nc.Servers()) {
			if slices.Contains(replicas, p.name) {
				add(p)
			}
		}
	}
	return out
}

// greetings asks servers who they are, all at once. Those that do not answer are left out.
func greetings(ctx context.Context, urls []string) []peer {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	answers := make([]peer, len(urls))
	var asked sync.WaitGroup
	for i, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "nats" && u.Scheme != "tls" {
			continue // a web socket has to be asked for first
		}
		asked.Go(func() { answers[i], _ = greeting(ctx, u.Host) })
	}
	asked.Wait()
	return slices.DeleteFunc(answers, func(p peer) bool { return p.name == "" })
}

// greeting reads how a server introduces itself to a client that connects, before any login.
func greeting(ctx context.Context, address string) (peer, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return peer{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() { stop(); _ = conn.Close() }()
	line, err := bufio.NewReader(io.LimitReader(conn, greetSize)).ReadBytes('\n')
	if err != nil {
		return peer{}, err
	}
	said, ok := bytes.CutPrefix(line, []byte("INFO "))
	if !ok {
		return peer{}, errors.New("is no NATS server")
	}
	var hello struct {
		Name    string `json:"server_name"`
		Version string `json:"version"`
	}
	err = json.Unmarshal(said, &hello)
	return peer{hello.Name, "at " + address, hello.Version}, err
}
