package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// Servers are the URLs of NATS servers. They may hold credentials: printing them leaves those out.
type Servers []string

// String returns the URLs with commas between, credentials masked.
func (s Servers) String() string {
	out := make([]string, len(s))
	for i, server := range s {
		out[i] = server
		if before, host, found := cutLast(server, "@"); found {
			scheme, _, _ := strings.Cut(before, "://")
			out[i] = scheme + "://" + mask + "@" + host
		}
	}
	return strings.Join(out, ",")
}

// GoString is String, so that no verb shows credentials.
func (s Servers) GoString() string { return s.String() }

// MarshalText is String, for JSON and every other encoding that knows encoding.TextMarshaler.
func (s Servers) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is String.
func (s Servers) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue is String, for log/slog.
func (s Servers) LogValue() slog.Value { return slog.StringValue(s.String()) }

// ParseServers reads URLs of NATS servers with commas between. A server without a scheme is taken
// as nats://. An error does not repeat the text: a URL may hold credentials.
func ParseServers(text string) (Servers, error) {
	if text == "" {
		return nil, nil
	}
	var servers Servers
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if !strings.Contains(part, "://") {
			part = "nats://" + part
		}
		u, err := url.Parse(part)
		if err != nil || u.Hostname() == "" || strings.Contains(part, mask) {
			return nil, fmt.Errorf("server %d is no URL such as nats://host:4222", i+1)
		}
		switch u.Scheme {
		case "nats", "tls", "ws", "wss":
		default:
			return nil, fmt.Errorf("server %d has none of the schemes nats, tls, ws, wss", i+1)
		}
		servers = append(servers, part)
	}
	return servers, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
