// Package config turns the command line, the environment and the settings file into typed settings,
// and runs the command that the command line names.
//
// A setting comes from its flag, else from its environment variable, else from the file named by
// --config or ROLLCALL_CONFIG, else it has its default. The three names of a setting say the same
// thing: --poll-min-interval, ROLLCALL_POLL_MIN_INTERVAL and poll_min_interval. Every [Secret] can
// also be read from a file, by the name of the setting with "file" added; the higher level wins,
// whichever of the two it has.
//
// Nothing is ignored silently. Unknown flags and unknown keys of the file are refused. So is an
// unknown ROLLCALL_ variable that is nearly the name of a setting; any other may belong to another
// program (a compose file, a script) and only causes a warning, and those that Kubernetes makes for
// a service named rollcall not even that. An empty variable counts as not set; an empty flag, or ""
// in the file, sets the empty value.
//
// A command declares the settings it needs by embedding [Settings], [Client] or single groups; see
// [Program].
package config

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"github.com/c4342123/rollcall/internal/base/signing"
)

// Settings is every setting there is: what the service runs with.
type Settings struct {
	DingTalk DingTalk `embed:"" prefix:"dingtalk-" group:"DingTalk"`
	Pushes   Pushes   `embed:"" group:"Pushes from DingTalk"`
	NATS     NATS     `embed:"" prefix:"nats-" group:"NATS"`
	Embedded Embedded `embed:"" group:"NATS"`
	Doors    Doors    `embed:"" prefix:"embedded-" group:"NATS"`
	Store    Store    `embed:"" group:"NATS"`
	HTTP     HTTP     `embed:"" group:"HTTP"`
	Polling  Polling  `embed:"" group:"Polling"`
	Events   Events   `embed:"" group:"Events"`
	Logging  Logging  `embed:"" prefix:"log-" group:"Logging"`
}

// Client is what a command needs that only reads what the service stored.
type Client struct {
	NATS     NATS     `embed:"" prefix:"nats-" group:"NATS"`
	Embedded Embedded `embed:"" group:"NATS"`
	// DataDir is where the embedded server leaves a login for programs of the same user.
	DataDir string  `placeholder:"DIR" default:"./rollcall-data" group:"NATS" help:"Data directory of the service whose embedded NATS server is used: its nats.login is the login where no other is set."`
	Logging Logging `embed:"" prefix:"log-" group:"Logging"`
}

// Demo is what a demonstration needs. It has no settings that could lead it to a real DingTalk, a
// real NATS server or a real data directory: those may be in the environment for the service.
type Demo struct {
	Embedded Embedded `embed:"" group:"NATS"`
	HTTP     HTTP     `embed:"" group:"HTTP"`
	Polling  Polling  `embed:"" group:"Polling"`
	Events   Events   `embed:"" group:"Events"`
	Logging  Logging  `embed:"" prefix:"log-" group:"Logging"`
}

// Help is shown with the help of every command that has the settings.
func (Settings) Help() string { return settingsHelp }

// Help is shown with the help of every command that has the settings.
func (Client) Help() string { return settingsHelp }

// Help is shown with the help of every command that has the settings.
func (Demo) Help() string { return settingsHelp }

const settingsHelp = `A setting comes from its flag, else from its environment variable, else from the settings file, ` +
	`else it has its default. In the file, --log-level is log_level. ` +
	`A SECRET can be read from a file instead: --api-token-file, ROLLCALL_API_TOKEN_FILE, api_token_file.`

// DingTalk says which API is called, as whom, and how often.
type DingTalk struct {
	// URL is the API's base URL: http or https, without credentials, query and trailing slash.
	URL *url.URL `placeholder:"URL" default:"https://api.dingtalk.com" help:"Base URL of the API; https://api.dingtalk.io for the international edition."`
	// AppKey and AppSecret are the credentials of an internal app.
	AppKey        string `placeholder:"KEY" help:"AppKey (Client ID) of the internal app."`
	AppSecret     Secret `placeholder:"SECRET" help:"AppSecret (Client Secret) of the internal app."`
	AppSecretFile string `hidden:"" help:"File that holds the AppSecret."`
	// AccessToken is used as it is instead of one got with AppKey and AppSecret.
	AccessToken     Secret `placeholder:"SECRET" help:"A fixed access token, instead of AppKey and AppSecret."`
	AccessTokenFile string `hidden:"" help:"File that holds the access token."`
	// CorpID is part of every event's source; "default" when the organisation's is not known.
	CorpID string `name:"corp-id" placeholder:"ID" default:"default" help:"The organisation's corpId, part of every event's source."`
	// Rate is the calls per second of all replicas together.
	Rate float64 `placeholder:"N" default:"15" help:"Calls per second, all replicas together."`
	// Edition is the organisation's edition of DingTalk, which has so many calls and pushes a
	// month.
	Edition Edition `placeholder:"standard|professional|pack" default:"standard" help:"DingTalk's edition, which sets the calls and pushes of a calendar month: 5000 and 3000, 200000 and 50000, 5000000 and 500000."`
	// EditionAssumed says that Edition was not set. The program fills it in; it is no setting.
	EditionAssumed bool `kong:"-"`
	// MonthlyCalls is the calls per calendar month of all replicas together, MonthlyPushes the
	// pushes and messages of robots; where they are set they count instead of what the edition has.
	MonthlyCalls  Quota `placeholder:"N" default:"" help:"Calls per calendar month, all replicas together, instead of the edition's; 0 = no limit."`
	MonthlyPushes Quota `placeholder:"N" default:"" help:"Pushes per calendar month, messages of robots included, instead of the edition's; 0 = no limit."`
	// Grace lets the last looks at meetings go on for five days after the month's calls are used
	// up.
	Grace bool `default:"false" help:"Let last looks at meetings, and nothing else, go on in the five days of grace after the month's calls are used up."`
	// TimeZone is where the months begin, as a name of the IANA database.
	TimeZone string `placeholder:"ZONE" default:"Asia/Shanghai" help:"Time zone in which the month of calls and pushes begins."`
}

// Pushes says how DingTalk's pushes are received. The three webhook keys are all set or all empty.
type Pushes struct {
	WebhookToken      Secret `placeholder:"SECRET" help:"The callback's token. Without the three keys of the callback there is no webhook."`
	WebhookTokenFile  string `hidden:"" help:"File that holds the callback's token."`
	WebhookAESKey     Secret `name:"webhook-aes-key" placeholder:"SECRET" help:"The callback's AES key, 43 characters."`
	WebhookAESKeyFile string `name:"webhook-aes-key-file" hidden:"" help:"File that holds the callback's AES key."`
	WebhookOwnerKey   string `placeholder:"KEY" help:"The callback's owner: the AppKey, or the corpId for the older way to register."`
	// WebhookListen is where the callback alone is served; empty is with everything else.
	WebhookListen Address `type:"optional" placeholder:"ADDR" help:"Where the callback alone is served, and nowhere else then: what DingTalk reaches leads to nothing more."`
	// WebhookWindow is how far a callback's time stamp may be from now, either way; 0 means that
	// any will do.
	WebhookWindow time.Duration `placeholder:"TIME" default:"1h" help:"How far the time stamp of a push may be from now; 0 = any."`
	// StreamMode says whether to receive pushes over DingTalk's stream connection.
	StreamMode StreamMode `default:"auto" help:"Receive pushes over DingTalk's stream connection: true, false, or auto for where there are an AppKey with its secret and no keys of the callback, and the installation is not older than this [default auto]."`
}

// WebhookEnabled says whether the callback's keys are set.
func (p Pushes) WebhookEnabled() bool { return p.WebhookToken != "" }

// NATS says which NATS servers hold the events and how to log in to them.
type NATS struct {
	// URL lists the servers; empty means the embedded one, unless Context is set.
	URL          Servers `placeholder:"URL" help:"NATS server, or several with commas between; without one the embedded server is used."`
	Creds        string  `holds:"secret" placeholder:"FILE" help:"Credentials file to log in with."`
	NKey         string  `name:"nkey" holds:"secret" placeholder:"FILE" help:"File with an NKey seed to log in with."`
	User         string  `placeholder:"NAME" help:"User to log in as."`
	Password     Secret  `placeholder:"SECRET" help:"The user's password."`
	PasswordFile string  `hidden:"" help:"File that holds the user's password."`
	Token        Secret  `placeholder:"SECRET" help:"Token to log in with."`
	TokenFile    string  `hidden:"" help:"File that holds the token to log in with."`
	CA           string  `name:"ca" placeholder:"FILE" help:"PEM file with the authorities that sign the servers' certificates."`
	Cert         string  `placeholder:"FILE" help:"PEM file with the client's certificate."`
	Key          string  `holds:"secret" placeholder:"FILE" help:"PEM file with the key of the client's certificate."`
	// Context names a context of the nats command line tool.
	Context string `placeholder:"NAME" help:"Context of the nats command line tool to take server and login from."`
}

// External says whether a NATS server other than the embedded one is to be used.
func (n NATS) External() bool { return len(n.URL) > 0 || n.Context != "" }

// Embedded says where the embedded NATS server listens.
type Embedded struct {
	Listen Address `name:"embedded-listen" placeholder:"ADDR" default:"127.0.0.1:4222" help:"Where the embedded NATS server listens."`
}

// Store says how the events are stored.
type Store struct {
	// Replicas of the stream, 1 to 5; more than 1 needs other servers than the embedded one.
	Replicas int `name:"nats-replicas" placeholder:"N" default:"1" help:"Replicas of the stream, 1 to 5."`
	// DataDir is only for the embedded server.
	DataDir string `placeholder:"DIR" default:"./rollcall-data" help:"Where the embedded NATS server keeps its data."`
	// DiskReserve is how much of the embedded server's disk is to stay free; below that it is said
	// that room is needed.
	DiskReserve Reserve `placeholder:"SHARE|SIZE" default:"5%" help:"Free space on the embedded server's disk below which readyz is degraded: a share of the disk, 64 MiB at least, or a size such as 500MB; 0 = none."`
}

// HTTP says where webhook, API and web page are served and who may use them.
type HTTP struct {
	Listen Address `placeholder:"ADDR" default:"127.0.0.1:8080" help:"Where webhook, API, web page, health and metrics are served."`
	// TLSCert and TLSKey are PEM files of both listeners, read again when they change.
	TLSCert string `name:"tls-cert" placeholder:"FILE" help:"PEM file with the certificate of the HTTP listeners, read again when it has changed; without one they speak no TLS."`
	TLSKey  string `name:"tls-key" holds:"secret" placeholder:"FILE" help:"PEM file with the key of that certificate."`
	// APIToken is a bearer token that may do everything. Without one and without a file of tokens
	// API and web page answer only on loopback.
	APIToken     Secret `name:"api-token" placeholder:"SECRET" help:"Bearer token that may do everything by API and web page, 16 characters at least; without a token they answer only on loopback."`
	APITokenFile string `name:"api-token-file" hidden:"" help:"File that holds the bearer token."`
	TokenFile    `embed:""`
	OIDC         OIDC `embed:"" prefix:"oidc-"`
	// SessionLife is how long a browser stays logged in.
	SessionLife time.Duration `placeholder:"TIME" default:"12h" help:"How long a browser stays logged in."`
	// Connections, PerAddress and EventReaders are how many may ask at a time; the limit of open
	// files may allow less.
	Connections  int `name:"http-connections" placeholder:"N" default:"1000" help:"HTTP connections at a time, less where the limit of open files (ulimit -n) leaves less after 32."`
	PerAddress   int `name:"http-per-address" placeholder:"N" default:"500" help:"HTTP connections at a time of one address, but for those of this machine."`
	EventReaders int `name:"event-readers" placeholder:"N" default:"200" help:"Readers of /v1/events at a time by each token, and in all without one; no more than three quarters of the connections in all."`
	// TrustedProxies are the proxies whose headers about the client's address are believed.
	TrustedProxies Networks `placeholder:"NET" help:"Proxies whose X-Forwarded-For and X-Forwarded-Prefix are believed: addresses or networks, with commas between."`
}

// OIDC says at which OpenID provider people log in to the page, and what they may do.
type OIDC struct {
	Issuer           string `placeholder:"URL" help:"OpenID provider at which people log in to the page, exactly as it writes itself."`
	ClientID         string `name:"client-id" placeholder:"ID" help:"What the provider calls Rollcall."`
	ClientSecret     Secret `placeholder:"SECRET" help:"Rollcall's secret there, if it has one."`
	ClientSecretFile string `hidden:"" help:"File that holds the secret."`
	// RedirectURL ends in /login/oidc/callback.
	RedirectURL string `name:"redirect-url" placeholder:"URL" help:"Where it sends browsers back to: the page's address with /login/oidc/callback."`
	GroupsClaim string `placeholder:"CLAIM" default:"groups" help:"Claim that holds a person's groups."`
	// Scopes are groups and what they may do.
	Scopes string `placeholder:"GROUP=SCOPE,...;..." help:"What the groups may do, such as staff=read;it=read,watch,admin."`
}

// TokenFile says where the named tokens are.
type TokenFile struct {
	// APITokens is read again when it has changed.
	APITokens string `name:"api-tokens" placeholder:"FILE" help:"YAML file with named tokens and what each may do, made by rollcall token; read again when it has changed."`
}

// Polling says how often meetings are looked for and looked at.
type Polling struct {
	// DiscoveryInterval is the time between two lists of the organisation's live meetings; 0 means
	// never.
	DiscoveryInterval time.Duration `placeholder:"TIME" default:"60s" help:"How often the organisation's live meetings are listed; 0 = never."`
	// MinInterval and MaxInterval bound the time between two looks at one meeting. A MinInterval of
	// 0 leaves the lower bound to the call rate.
	MinInterval time.Duration `name:"poll-min-interval" placeholder:"TIME" default:"1s" help:"Shortest time between two looks at a meeting."`
	MaxInterval time.Duration `name:"poll-max-interval" placeholder:"TIME" default:"60s" help:"Longest time between two looks at a meeting."`
	// PageSize is maxResults of a member list, 1 to 500.
	PageSize int `name:"poll-page-size" placeholder:"N" default:"500" help:"Members asked for at a time, 1 to 500."`
}

// Events says how long events are kept and what they tell of a person.
type Events struct {
	// Retention is how long events are kept; 0 means for ever.
	Retention time.Duration `type:"retention" placeholder:"TIME" default:"720h" help:"How long events are kept, 100 years at most; 0 = for ever."`
	// AuditRetention is how long checkpoints of the log of meetings are kept; 0 means for ever.
	AuditRetention time.Duration `type:"retention" placeholder:"TIME" default:"0" help:"How long checkpoints of the log of meetings are kept, 100 years at most; 0 = for ever."`
	// CheckpointInterval is the least time between two checkpoints of the log.
	CheckpointInterval time.Duration `placeholder:"TIME" default:"1h" help:"Least time between two signed checkpoints of the log of meetings."`
	// AccessEvents says that an event tells of each read, too.
	AccessEvents bool `default:"false" help:"Publish the event conference.access.read, too, for each report, roster, person and stream of events that is read over HTTP."`
	// SigningKeyFile is the file of the key that seals what is recorded; see [Settings.SigningKey].
	SigningKeyFile string  `name:"signing-key-file" holds:"secret" placeholder:"FILE" help:"File with the NKey seed of a user (SU...) that seals what is recorded; signing.nk in the data directory of the embedded NATS server when left out, made at the first start."`
	Privacy        Privacy `placeholder:"full|pseudonym" default:"full" help:"What events tell of a person: full, or pseudonym for a keyed hash instead of unionId and no nickname."`
	// PrivacyKey is the key of the hash. A new one has 32 bytes at least.
	PrivacyKey     Secret `placeholder:"SECRET" help:"Key of the hash that makes pseudonyms, 32 bytes at least."`
	PrivacyKeyFile string `hidden:"" help:"File that holds the key of the hash."`
	// PrivacyTitles says what becomes of titles where people have pseudonyms.
	PrivacyTitles Titles `placeholder:"drop|keep" default:"drop" help:"What becomes of meetings' titles with pseudonyms: drop, or keep."`
}

// SigningKey is the file of the key that seals what is recorded, empty where there is none. When
// made is set it is made by the first service that starts. Replicas with another NATS server have no
// directory of their own: there the key is named, or nothing is sealed.
func (s Settings) SigningKey() (path string, made bool) {
	switch {
	case s.Events.SigningKeyFile != "":
		return s.Events.SigningKeyFile, false
	case s.NATS.External():
		return "", false
	default:
		return filepath.Join(s.Store.DataDir, signing.File), true
	}
}

// Pseudonyms tells whether people have pseudonyms.
func (e Events) Pseudonyms() bool { return e.Privacy == PrivacyPseudonym }

// TitlesShown tells whether titles of meetings are stored and shown.
func (e Events) TitlesShown() bool { return !e.Pseudonyms() || e.PrivacyTitles == TitlesKeep }

// Logging says what is logged to stderr and how it looks.
type Logging struct {
	Level  slog.Level `placeholder:"debug|info|warn|error" default:"info" help:"Least level that is logged."`
	Format LogFormat  `placeholder:"auto|text|json" default:"auto" help:"Form of the log; auto is text on a terminal, else json."`
}
