package service

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/face/oidc"
)

// tokenInterval is how often the file of tokens is read. What it holds counts when it is found twice.
const tokenInterval = time.Second

// newAccess reads who may use API and page.
func (s *service) newAccess() (*access.Access, error) {
	http := s.opts.Settings.HTTP
	keys, err := access.OpenKeys(http.APIToken.Reveal(), http.APITokens, s.opts.Settings.DingTalk.CorpID)
	if err != nil {
		return nil, config.Usagef("api-tokens", "%w", err)
	}
	var groups access.Groups
	if http.OIDC.Issuer != "" {
		if groups, err = access.ParseGroups(http.OIDC.Scopes); err != nil {
			return nil, config.Usagef("oidc-scopes", "%w", err)
		}
	}
	return &access.Access{Keys: keys, Sessions: access.Sessions{
		Groups: groups, Life: http.SessionLife, Keys: keys,
		Store: &access.Bucket{Life: http.SessionLife, Replicas: s.opts.Settings.Store.Replicas, JetStream: s.jetStream},
	}}, nil
}

// logIn logs people in, where there is a provider for that.
func (s *service) logIn() httpapi.LogIn {
	o := s.opts.Settings.HTTP.OIDC
	if o.Issuer == "" {
		return httpapi.LogIn{}
	}
	return httpapi.LogIn{RedirectURL: o.RedirectURL, Provider: oidc.New(oidc.Options{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), RedirectURL: o.RedirectURL, GroupsClaim: o.GroupsClaim,
		Note: func(text string) { s.log.Warn("logging in by OIDC", "note", text) },
	})}
}

// jetStream is where sessions are kept; nil while NATS has not been reached.
func (s *service) jetStream() jetstream.JetStream {
	if p := s.gate.behind(); p != nil {
		return p.js
	}
	return nil
}

// refusals counts who was not let in.
type refusals struct{ failures *access.Failures }

var refusalsTotal = prometheus.NewDesc("rollcall_auth_failures_total",
	"Requests that were not let in: a wrong token, log-in, session or person, a missing scope, or too many wrong tokens of an address.", []string{"kind"}, nil)

// Describe implements [prometheus.Collector].
func (r refusals) Describe(out chan<- *prometheus.Desc) { out <- refusalsTotal }

// Collect implements [prometheus.Collector].
func (r refusals) Collect(out chan<- prometheus.Metric) {
	r.failures.Each(func(way access.Failure, count uint64) {
		out <- prometheus.MustNewConstMetric(refusalsTotal, prometheus.CounterValue, float64(count), way.String())
	})
}
