package conn

import "github.com/c4342123/rollcall/internal/config"

// Cautions are the ways in which a login that a context of the nats tool holds would be sent so that
// anybody on the way can read it. About a context that cannot be read connecting says more.
func Cautions(settings config.NATS, lookupEnv func(string) (string, bool)) []config.Caution {
	if settings.Context == "" {
		return nil // the settings' own are config's
	}
	l, err := readLogin(settings, lookupEnv)
	if err != nil || l.tlsFirst {
		return nil
	}
	return config.NATS{
		URL: l.servers, User: l.user, Password: config.Secret(l.password), Token: config.Secret(l.token), CA: l.ca, Cert: l.cert,
	}.Cautions()
}
