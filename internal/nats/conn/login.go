package conn

import (
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/c4342123/rollcall/internal/config"
)

// login is where and how to log in, whether settings or a context say so. Secrets are in the clear.
type login struct {
	servers        config.Servers
	creds, nkey    string // paths
	user, password string
	token          string
	jwt, seed      string
	ca, cert, key  string // paths
	inboxPrefix    string
	tlsFirst       bool
	// setting is the one to blame, "nats-context", when the login is a context's; empty when it is
	// the settings'.
	setting string
}

func readLogin(settings config.NATS, lookupEnv func(string) (string, bool)) (login, error) {
	if settings.Context != "" {
		l, err := readContext(settings.Context, lookupEnv)
		if err != nil {
			return login{}, err
		}
		if len(settings.URL) > 0 {
			l.servers = settings.URL // as the nats tool has it
		}
		return l.withTLS(settings), nil
	}
	l := login{
		servers: settings.URL, creds: settings.Creds, nkey: settings.NKey,
		user: settings.User, password: settings.Password.Reveal(), token: settings.Token.Reveal(),
	}
	return l.withTLS(settings), nil
}

// withTLS puts the settings' files over those of a context.
func (l login) withTLS(settings config.NATS) login {
	if settings.CA != "" {
		l.ca = settings.CA
	}
	if settings.Cert != "" {
		l.cert, l.key = settings.Cert, settings.Key
	}
	return l
}

// options translates the login for nats.go. Every file is read once, so that a missing one is found
// here and named; they are read again at each connect.
func (l login) options() ([]nats.Option, error) {
	ways := []struct {
		setting, value string
		option         func() (nats.Option, error)
	}{
		{"nats-creds", l.creds, func() (nats.Option, error) { return nats.UserCredentials(l.creds), checkCreds(l.creds) }},
		{"nats-nkey", l.nkey, func() (nats.Option, error) { return nats.NkeyOptionFromSeed(l.nkey) }},
		{"user_seed", l.seed, func() (nats.Option, error) {
			_, err := nkeys.FromSeed([]byte(l.seed))
			return nats.UserJWTAndSeed(l.jwt, l.seed), err
		}},
		{"nats-ca", l.ca, func() (nats.Option, error) { return nats.RootCAs(l.ca), nil }},
		{"nats-cert", l.cert, func() (nats.Option, error) { return nats.ClientCert(l.cert, l.key), nil }},
	}
	var out []nats.Option
	for _, way := range ways {
		if way.value == "" {
			continue
		}
		option, err := way.option()
		if err == nil {
			trial := nats.GetDefaultOptions()
			err = option(&trial)
		}
		if err != nil {
			return nil, l.usage(way.setting, err)
		}
		out = append(out, option)
	}
	return append(out, l.plain()...), nil
}

// plain returns the options that cannot fail.
func (l login) plain() []nats.Option {
	var out []nats.Option
	if l.user != "" {
		out = append(out, nats.UserInfo(l.user, l.password))
	}
	if l.token != "" {
		out = append(out, nats.Token(l.token))
	}
	if l.inboxPrefix != "" {
		out = append(out, nats.CustomInboxPrefix(l.inboxPrefix))
	}
	if l.tlsFirst {
		out = append(out, nats.TLSHandshakeFirst())
	}
	return out
}

func (l login) usage(setting string, err error) error {
	if l.setting != "" {
		return config.Usagef(l.setting, "%s: %w", setting, err)
	}
	return config.Usagef(setting, "%w", err)
}

// checkCreds makes sure that the file can be read and holds a JWT and a seed, without saying what
// it holds.
func checkCreds(path string) error {
	trial := nats.GetDefaultOptions()
	if err := nats.UserCredentials(path)(&trial); err != nil {
		return err
	}
	if _, err := trial.UserJWT(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := trial.SignatureCB([]byte("nonce")); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
