package conn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/config"
)

// maxContext bounds the size of a context's file, in bytes.
const maxContext = 1 << 20

// contextFile is a context as the nats command line tool stores it, see
// https://github.com/nats-io/jsm.go/tree/main/natscontext. That package itself would bring all of
// jsm.go and an expression language with it, and orbit.go/natscontext (0.1.1) connects without a
// login where a context has user_jwt.
type contextFile struct {
	URL         string `json:"url"`
	User        string `json:"user"`
	Password    string `json:"password"`
	Token       string `json:"token"`
	Creds       string `json:"creds"`
	NKey        string `json:"nkey"`
	UserJWT     string `json:"user_jwt"`
	UserSeed    string `json:"user_seed"`
	CA          string `json:"ca"`
	Cert        string `json:"cert"`
	Key         string `json:"key"`
	InboxPrefix string `json:"inbox_prefix"`
	TLSFirst    bool   `json:"tls_first"`

	// What cannot be honoured, and therefore is refused.
	SocksProxy  string `json:"socks_proxy"`
	NSC         string `json:"nsc"`
	Domain      string `json:"jetstream_domain"`
	APIPrefix   string `json:"jetstream_api_prefix"`
	EventPrefix string `json:"jetstream_event_prefix"`
	CertStore   string `json:"windows_cert_store"`
}

// readContext reads the context of that name from the directory where the nats tool keeps them. Its
// errors name the file that was tried.
func readContext(name string, lookupEnv func(string) (string, bool)) (login, error) {
	root, home, err := contextRoot(lookupEnv)
	if err != nil {
		return login{}, config.Usagef("nats-context", "context %s: %w", name, err)
	}
	path := filepath.Join(root, "nats", "context", name+".json")
	fail := func(err error) (login, error) {
		return login{}, config.Usagef("nats-context", "context %s: %s: %w", name, path, err)
	}
	content, err := config.ReadBounded(path, maxContext)
	var of *fs.PathError
	switch {
	case errors.As(err, &of):
		return fail(of.Err)
	case err != nil:
		// It names the file itself.
		return login{}, config.Usagef("nats-context", "context %s: %w", name, err)
	}
	var file contextFile
	if err := json.Unmarshal(content, &file); err != nil {
		return fail(errors.New("is no valid JSON of a context"))
	}
	l, err := file.login(home)
	if err != nil {
		return fail(err)
	}
	return l, nil
}

// contextRoot is $XDG_CONFIG_HOME, else ~/.config.
func contextRoot(lookupEnv func(string) (string, bool)) (root, home string, err error) {
	if lookupEnv == nil {
		return "", "", errors.New("there is no environment to find it by")
	}
	home, _ = lookupEnv("HOME")
	if root, _ = lookupEnv("XDG_CONFIG_HOME"); root != "" {
		return root, home, nil
	}
	if home == "" {
		return "", "", errors.New("neither HOME nor XDG_CONFIG_HOME is set")
	}
	return filepath.Join(home, ".config"), home, nil
}

// login checks the context and translates it.
func (f contextFile) login(home string) (login, error) {
	if err := f.check(); err != nil {
		return login{}, err
	}
	text := f.URL
	if text == "" {
		text = nats.DefaultURL
	}
	servers, err := config.ParseServers(text)
	if err != nil {
		return login{}, fmt.Errorf("url: %w", err)
	}
	path := func(text string) string {
		text = strings.TrimPrefix(text, "file://")
		if rest, found := strings.CutPrefix(text, "~"); found && home != "" {
			return home + rest
		}
		return text
	}
	return login{
		servers: servers, creds: path(f.Creds), nkey: path(f.NKey),
		user: f.User, password: f.Password, token: f.Token, jwt: f.UserJWT, seed: f.UserSeed,
		ca: path(f.CA), cert: path(f.Cert), key: path(f.Key),
		inboxPrefix: f.InboxPrefix, tlsFirst: f.TLSFirst, setting: "nats-context",
	}, nil
}

func (f contextFile) check() error {
	unsupported := []struct{ field, value string }{
		{"socks_proxy", f.SocksProxy},
		{"nsc", f.NSC},
		{"jetstream_domain", f.Domain},
		{"jetstream_api_prefix", f.APIPrefix},
		{"jetstream_event_prefix", f.EventPrefix},
		{"windows_cert_store", f.CertStore},
	}
	for _, u := range unsupported {
		if u.value != "" {
			return fmt.Errorf("%s is not supported", u.field)
		}
	}
	ways := []struct{ field, value string }{
		{"creds", f.Creds},
		{"nkey", f.NKey},
		{"user", f.User},
		{"token", f.Token},
		{"user_jwt", f.UserJWT},
	}
	first := ""
	for _, way := range ways {
		if way.value == "" {
			continue
		}
		if first != "" {
			return fmt.Errorf("%s is set together with %s; one way to log in is allowed", way.field, first)
		}
		first = way.field
	}
	if (f.UserJWT == "") != (f.UserSeed == "") {
		return errors.New("user_jwt and user_seed belong together")
	}
	if (f.Cert == "") != (f.Key == "") {
		return errors.New("cert and key belong together")
	}
	return f.checkReferences()
}

// checkReferences refuses values that stand for something the nats tool would fetch from elsewhere.
func (f contextFile) checkReferences() error {
	references := []struct{ field, value string }{
		{"creds", f.Creds},
		{"nkey", f.NKey},
		{"password", f.Password},
		{"token", f.Token},
		{"user_jwt", f.UserJWT},
		{"user_seed", f.UserSeed},
	}
	for _, r := range references {
		u, err := url.Parse(r.value)
		if err == nil && slices.Contains([]string{"op", "nsc", "env", "data"}, u.Scheme) {
			return fmt.Errorf("%s is kept elsewhere (%s:), which is not supported", r.field, u.Scheme)
		}
	}
	return nil
}
