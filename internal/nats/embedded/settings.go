package embedded

import "github.com/c4342123/rollcall/internal/config"

// FromSettings are the options of the server that the service's settings describe.
func FromSettings(s config.Settings) Options {
	user, password, token := s.Operator()
	return Options{
		StoreDir: s.Store.DataDir, Listen: string(s.Embedded.Listen),
		Doors: &Doors{
			Operator: Login{user, password.Reveal()}, Token: token.Reveal(),
			Reader:    Login{s.Doors.ReaderUser, s.Doors.ReaderPassword.Reveal()},
			Anonymous: s.Anonymous(), TLSCert: s.Doors.TLSCert, TLSKey: s.Doors.TLSKey,
		},
	}
}
