package config

import (
	"encoding/base64"
	"math"
	"net/url"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // the machine may have no time zones
	"unicode/utf8"
)

// The bounds of settings.
const (
	maxReplicas           = 5   // a JetStream stream has no more
	maxPageSize           = 500 // the platform's general limit of maxResults
	minRetention          = time.Second
	minCheckpointInterval = time.Second
	keepForEver           = "0 keeps events for ever"
	aesKeyLength          = 43 // base64 of 32 bytes, without the padding
	aesKeyRawLength       = 32
	minToken              = 16 // characters
	// maxDuration bounds every duration. nats-server acknowledges an event that is to be kept
	// beyond April 2262, where its times overflow, and removes it at once.
	maxDuration = 100 * 365 * 24 * time.Hour
)

// corpID is what may stand in an event's source without being escaped.
var corpID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// Validate checks what only shows when the settings are seen together. The groups check themselves.
func (s Settings) Validate() error {
	if s.Pushes.StreamMode == StreamOn && (s.DingTalk.AppKey == "" || s.DingTalk.AppSecret == "") {
		return Usagef("stream-mode", "needs dingtalk-app-key and dingtalk-app-secret, too")
	}
	if err := s.Store.Validate(); err != nil {
		return err
	}
	if s.Store.Replicas > 1 && !s.NATS.External() {
		return Usagef("nats-replicas", "%d needs nats-url: the embedded server is only one", s.Store.Replicas)
	}
	if !s.NATS.External() {
		return s.checkDoors()
	}
	return nil
}

// Validate checks what only shows when the settings are seen together.
func (d Demo) Validate() error {
	if !d.Embedded.Listen.Loopback() {
		return Usagef("embedded-listen", "%s can be reached by others, which a demonstration must not be", d.Embedded.Listen)
	}
	return nil
}

// Validate checks the group.
func (d DingTalk) Validate() error {
	switch {
	case d.AccessToken != "" && d.AppSecret != "":
		return Usagef("dingtalk-access-token", "is set together with dingtalk-app-secret; one of them is allowed")
	case d.AppSecret != "" && d.AppKey == "":
		return Usagef("dingtalk-app-secret", "needs dingtalk-app-key, too")
	case d.AccessToken != "" && !headerSafe(d.AccessToken):
		return Usagef("dingtalk-access-token", "holds a character that no token has: a space, or one that is not ASCII")
	case !corpID.MatchString(d.CorpID):
		return Usagef("dingtalk-corp-id", "%q is not 1 to 128 of A-Z a-z 0-9 _ -", d.CorpID)
	case d.Rate <= 0:
		return Usagef("dingtalk-rate", "%v is not more than 0", d.Rate)
	}
	if _, err := time.LoadLocation(d.TimeZone); err != nil {
		return Usagef("dingtalk-time-zone", "%q is no time zone such as Asia/Shanghai", d.TimeZone)
	}
	return nil
}

// Location is the time zone in which the month of the calls begins.
func (d DingTalk) Location() *time.Location {
	zone, err := time.LoadLocation(d.TimeZone)
	if err != nil {
		return time.UTC // Validate refuses it
	}
	return zone
}

// RequireLogin returns an error unless there are credentials to call the API with. It is apart from
// Validate because looking at settings does not need them.
func (d DingTalk) RequireLogin() error {
	switch {
	case d.AccessToken != "":
		return nil
	case d.AppKey == "" && d.AppSecret == "":
		return Usagef("dingtalk-app-key", "is required, with dingtalk-app-secret, unless there is a dingtalk-access-token")
	case d.AppSecret == "":
		return Usagef("dingtalk-app-secret", "is required, unless there is a dingtalk-access-token")
	}
	return nil
}

// Validate checks the group.
func (p Pushes) Validate() error {
	keys := []struct {
		setting string
		set     bool
	}{
		{"webhook-token", p.WebhookToken != ""},
		{"webhook-aes-key", p.WebhookAESKey != ""},
		{"webhook-owner-key", p.WebhookOwnerKey != ""},
	}
	for _, key := range keys {
		if anySet := keys[0].set || keys[1].set || keys[2].set; anySet && !key.set {
			return Usagef(key.setting, "is required: webhook-token, webhook-aes-key and webhook-owner-key go together")
		}
	}
	if p.WebhookAESKey != "" && !isAESKey(p.WebhookAESKey.Reveal()) {
		return Usagef("webhook-aes-key", "is not %d characters of base64", aesKeyLength)
	}
	if p.WebhookListen != "" && !p.WebhookEnabled() {
		return Usagef("webhook-listen", "needs webhook-token, webhook-aes-key and webhook-owner-key, too")
	}
	return nil
}

// isAESKey decodes without strictness: real keys have trailing bits that are not zero.
func isAESKey(key string) bool {
	raw, err := base64.StdEncoding.DecodeString(key + "=")
	return err == nil && len(key) == aesKeyLength && len(raw) == aesKeyRawLength
}

// Validate checks the group.
func (n NATS) Validate() error {
	if strings.ContainsAny(n.Context, `/\`) || strings.Contains(n.Context, "..") {
		return Usagef("nats-context", "%q is no name of a context", n.Context)
	}
	if (n.Cert == "") != (n.Key == "") {
		return Usagef(firstSet(n.Cert, "nats-cert", "nats-key"), "needs both nats-cert and nats-key")
	}
	if (n.User == "") != (n.Password == "") {
		return Usagef(firstSet(n.User, "nats-user", "nats-password"), "needs both nats-user and nats-password")
	}
	return n.checkLogin()
}

func firstSet(value, setting, otherwise string) string {
	if value != "" {
		return setting
	}
	return otherwise
}

// checkLogin refuses two ways to log in at once, and ways that the embedded server does not have.
func (n NATS) checkLogin() error {
	ways := []struct {
		setting  string
		set      bool
		embedded bool
	}{
		{"nats-creds", n.Creds != "", false},
		{"nats-nkey", n.NKey != "", false},
		{"nats-user", n.User != "", true},
		{"nats-token", n.Token != "", true},
		{"nats-context", n.Context != "", true},
	}
	first := ""
	for _, way := range ways {
		switch {
		case !way.set:
			continue
		case first != "":
			return Usagef(way.setting, "is set together with %s; one way to log in is allowed", first)
		case strings.Contains(strings.Join(n.URL, ","), "@") && way.setting != "nats-context":
			return Usagef(way.setting, "is set together with a user in nats-url; one way to log in is allowed")
		case !way.embedded && !n.External():
			return Usagef(way.setting, "needs nats-url: the embedded server has no such login")
		}
		first = way.setting
	}
	if (n.CA != "" || n.Cert != "") && !n.External() {
		return Usagef(firstSet(n.CA, "nats-ca", "nats-cert"), "needs nats-url, which may be that of an embedded server")
	}
	return nil
}

// Validate checks the group.
func (s Store) Validate() error {
	if s.Replicas < 1 || s.Replicas > maxReplicas {
		return Usagef("nats-replicas", "%d is not from 1 to %d", s.Replicas, maxReplicas)
	}
	if s.DataDir == "" {
		return Usagef("data-dir", "is empty")
	}
	return nil
}

// Validate checks the group.
func (h HTTP) Validate() error {
	if h.APIToken != "" && !headerSafe(h.APIToken) {
		return Usagef("api-token", "holds a character that a bearer token cannot have: a space, or one that is not ASCII")
	}
	if n := utf8.RuneCountInString(h.APIToken.Reveal()); h.APIToken != "" && n < minToken {
		return Usagef("api-token", "has %d characters: %d at least, best random ones", n, minToken)
	}
	if (h.TLSCert == "") != (h.TLSKey == "") {
		return Usagef(firstSet(h.TLSCert, "tls-cert", "tls-key"), "needs both tls-cert and tls-key")
	}
	if h.SessionLife < time.Second {
		return Usagef("session-life", "%s is less than 1s", h.SessionLife)
	}
	return h.checkLimits()
}

// TokenSet tells whether API and page want a token, or a log-in.
func (h HTTP) TokenSet() bool { return h.APIToken != "" || h.APITokens != "" || h.OIDC.Issuer != "" }

// CallbackPath ends the address to which an OpenID provider sends browsers back.
const CallbackPath = "/login/oidc/callback"

// Validate checks the group.
func (o OIDC) Validate() error {
	needed := []struct{ setting, value string }{
		{"oidc-issuer", o.Issuer}, {"oidc-client-id", o.ClientID}, {"oidc-redirect-url", o.RedirectURL}, {"oidc-scopes", o.Scopes},
	}
	set := o.ClientSecret != ""
	for _, n := range needed {
		set = set || n.value != ""
	}
	for _, n := range needed {
		if set && n.value == "" {
			return Usagef(n.setting, "is required: oidc-issuer, oidc-client-id, oidc-redirect-url and oidc-scopes go together")
		}
	}
	if !set {
		return nil
	}
	for _, n := range []struct{ setting, value string }{{"oidc-issuer", o.Issuer}, {"oidc-redirect-url", o.RedirectURL}} {
		if u, err := url.Parse(n.value); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			return Usagef(n.setting, "is no URL such as https://login.example.org")
		}
	}
	if !strings.HasSuffix(o.RedirectURL, CallbackPath) {
		return Usagef("oidc-redirect-url", "%s does not end in %s", o.RedirectURL, CallbackPath)
	}
	return nil
}

// CheckToken returns an error where API and page would be within others' reach, and no token is
// set.
func (h HTTP) CheckToken(p Pushes) error {
	const how = "one of 16 characters at least, or api-tokens with a file of them"
	switch {
	case h.TokenSet():
		return nil
	case p.WebhookEnabled() && p.WebhookListen == "":
		return Usagef("api-token", "is required where the callback's keys are set, as what DingTalk reaches may reach API and page: %s; "+
			"or give the callback a listener of its own with webhook-listen", how)
	case !h.Listen.Loopback():
		return Usagef("api-token", "is required: %s (listen) can be reached by others: %s", h.Listen, how)
	}
	return nil
}

// checkLimits refuses what no number of connections can be.
func (h HTTP) checkLimits() error {
	for _, limit := range []struct {
		setting string
		value   int
	}{{"http-connections", h.Connections}, {"http-per-address", h.PerAddress}, {"event-readers", h.EventReaders}} {
		if limit.value < 1 || limit.value > math.MaxInt32 {
			return Usagef(limit.setting, "%d is not 1 to %d", limit.value, math.MaxInt32)
		}
	}
	return nil
}

// headerSafe says whether a secret can be sent in an HTTP header as one word.
func headerSafe(secret Secret) bool {
	return strings.IndexFunc(secret.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// Validate checks the group.
func (p Polling) Validate() error {
	switch {
	case p.MaxInterval == 0:
		return Usagef("poll-max-interval", "is 0")
	case p.MinInterval > p.MaxInterval:
		return Usagef("poll-min-interval", "%s is more than poll-max-interval, which is %s", p.MinInterval, p.MaxInterval)
	case p.PageSize < 1 || p.PageSize > maxPageSize:
		return Usagef("poll-page-size", "%d is not from 1 to %d", p.PageSize, maxPageSize)
	}
	return nil
}

func checkInterval(d time.Duration) error {
	switch {
	case d < minCheckpointInterval:
		return Usagef("checkpoint-interval", "%s is less than %s", d, minCheckpointInterval)
	case d > maxDuration:
		return Usagef("checkpoint-interval", "%s is %w", shortDuration(d), errTooLong)
	}
	return nil
}

// Validate checks the group.
func (e Events) Validate() error {
	if err := checkInterval(e.CheckpointInterval); err != nil {
		return err
	}
	for _, kept := range []struct {
		setting string
		time    time.Duration
	}{{"retention", e.Retention}, {"audit-retention", e.AuditRetention}} {
		switch {
		case kept.time != 0 && kept.time < minRetention:
			return Usagef(kept.setting, "%s is less than %s; %s", kept.time, minRetention, keepForEver)
		case kept.time > maxDuration:
			return Usagef(kept.setting, "%s is %w; %s", shortDuration(kept.time), errTooLong, keepForEver)
		}
	}
	if e.Pseudonyms() && e.PrivacyKey == "" {
		return Usagef("privacy-key", "is required when privacy is pseudonym")
	}
	return nil
}
