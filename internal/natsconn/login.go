package natsconn

import (
	"fmt"

	"github.com/nats-io/nats.go"

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
	// setting is the one to blame, "nats-context", when the login is a context's; empty when it is the settings'.
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

// options translates the login for nats.go. Every file is read once, so that a missing one is found here and named;
// credentials are read again at each connect.
func (l login) options() ([]nats.Option, error) {
	var out []nats.Option
	add := func(setting string, option nats.Option, err error) error {
		if err == nil {
			scratch := nats.GetDefaultOptions()
			err = option(&scratch)
		}
		if err != nil {
			return l.usage(setting, err)
		}
		out = append(out, option)
		return nil
	}
	if l.creds != "" {
		if err := checkCreds(l.creds); err != nil {
			return nil, l.usage("nats-creds", err)
		}
		out = append(out, nats.UserCredentials(l.creds))
	}
	if l.nkey != "" {
		option, err := nats.NkeyOptionFromSeed(l.nkey)
		if err := add("nats-nkey", option, err); err != nil {
			return nil, err
		}
	}
	if l.jwt != "" {
		if err := add("nats-context", nats.UserJWTAndSeed(l.jwt, l.seed), nil); err != nil {
			return nil, err
		}
	}
	if l.ca != "" {
		if err := add("nats-ca", nats.RootCAs(l.ca), nil); err != nil {
			return nil, err
		}
	}
	if l.cert != "" {
		if err := add("nats-cert", nats.ClientCert(l.cert, l.key), nil); err != nil {
			return nil, err
		}
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

// checkCreds makes sure that the file can be read and holds a JWT and a seed, without saying what it holds.
func checkCreds(path string) error {
	scratch := nats.GetDefaultOptions()
	if err := nats.UserCredentials(path)(&scratch); err != nil {
		return err
	}
	if _, err := scratch.UserJWT(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := scratch.SignatureCB([]byte("nonce")); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
