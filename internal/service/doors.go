package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/c4342123/rollcall/internal/base/keypair"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/httpapi"
)

// pairInterval is how often it is told how the reading of certificate and key goes.
const pairInterval = 5 * time.Second

// doors are the listeners of HTTP.
type doors struct {
	s       *service
	main    net.Listener
	webhook net.Listener  // of its own; nil where the main one has the webhook
	pair    *keypair.Pair // nil without TLS
}

// openDoors listens. The caller serves or closes what is open.
func (s *service) openDoors(ctx context.Context) (*doors, error) {
	d := &doors{s: s}
	settings := s.opts.Settings
	var err error
	if settings.HTTP.TLSCert != "" {
		if d.pair, err = keypair.Open(settings.HTTP.TLSCert, settings.HTTP.TLSKey); err != nil {
			return nil, config.Usagef("tls-cert", "%w", err)
		}
	}
	var lc net.ListenConfig
	if d.main, err = lc.Listen(ctx, "tcp", string(settings.HTTP.Listen)); err != nil {
		return nil, fmt.Errorf("cannot serve HTTP (--listen, ROLLCALL_LISTEN): %w", err)
	}
	if settings.Pushes.WebhookListen == "" {
		return d, nil
	}
	if d.webhook, err = lc.Listen(ctx, "tcp", string(settings.Pushes.WebhookListen)); err != nil {
		err = fmt.Errorf("cannot serve the callback (--webhook-listen, ROLLCALL_WEBHOOK_LISTEN): %w", err)
		return nil, errors.Join(err, d.main.Close())
	}
	return d, nil
}

// url is where a client on this machine finds what the main listener serves.
func (d *doors) url() string { return baseURL(d.pair != nil, d.main.Addr()) }

// baseURL is where a client on this machine finds what listens on the address.
func baseURL(secure bool, address net.Addr) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(address.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return scheme + net.JoinHostPort("localhost", port)
	}
	return scheme + address.String()
}

// serve answers until ctx ends.
func (d *doors) serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	opts := d.options()
	parts := []func() error{func() error {
		defer stop()
		return httpapi.Serve(ctx, d.main, opts)
	}}
	if d.webhook != nil {
		alone := opts
		opts.Webhook = httpapi.Webhook{}
		parts = append(parts, func() error {
			defer stop()
			return httpapi.ServeWebhook(ctx, d.webhook, alone)
		})
	}
	if d.pair != nil {
		parts = append(parts, func() error {
			d.pair.Follow(ctx, pairInterval, func(err error) { d.s.changes.Failed("TLS certificate", err) })
			return nil
		})
	}
	return first(parts...)
}

func (d *doors) options() httpapi.Options {
	s := d.s
	http := s.opts.Settings.HTTP
	wanted := httpapi.Limits{Connections: http.Connections, PerAddress: http.PerAddress, Readers: http.EventReaders}
	limits := wanted.Within(httpapi.OpenFiles())
	if limits.Connections < wanted.Connections {
		s.log.Warn("the limit of open files allows fewer HTTP connections than are set", "allowed", limits.Connections,
			"set", wanted.Connections, "readers", limits.Readers)
	}
	opts := httpapi.Options{
		Limits: limits, Refusals: &s.turnedAway, Room: httpapi.NewRoom(limits, &s.turnedAway),
		Ready: s.gate.ready, NotReady: s.gate.notReady,
		Meetings: &s.gate.parts, Events: &s.gate.parts, Past: &s.gate.parts, Reports: &s.gate.parts, Access: s.access, LogIn: s.logIn(),
		TrustedProxies: http.TrustedProxies, Checks: s.checks, Month: s.month, Keys: &s.gate.parts, Audit: &s.gate.parts, People: &s.gate.parts, Read: s.reads.listener(), Metrics: s.metrics(),
		Webhook: httpapi.Webhook{Handler: s.pushes.webhook, CorpID: s.opts.Settings.DingTalk.CorpID}, Logger: s.log,
	}
	if d.pair != nil {
		opts.TLS = d.pair.Config()
	}
	return opts
}
