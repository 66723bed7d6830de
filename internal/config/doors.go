package config

import "strings"

// OwnUsers begins the names of users that the embedded NATS server has without being told.
const OwnUsers = "$"

// Doors say who may do what in the embedded NATS server. They are for the service alone: what
// commands log in with is in [NATS].
type Doors struct {
	// OperatorUser and OperatorPassword may do everything. Where they are not set, NATS.User and
	// NATS.Password are.
	OperatorUser         string `placeholder:"NAME" help:"User who may do everything in the embedded NATS server; nats-user when left out."`
	OperatorPassword     Secret `placeholder:"SECRET" help:"The operator's password; nats-password when left out."`
	OperatorPasswordFile string `hidden:"" help:"File that holds the operator's password."`
	// ReaderUser and ReaderPassword may read. With them nobody comes in without credentials.
	ReaderUser         string `placeholder:"NAME" help:"User who may read in the embedded NATS server; when set, nobody gets in without credentials, who may read otherwise."`
	ReaderPassword     Secret `placeholder:"SECRET" help:"The reader's password."`
	ReaderPasswordFile string `hidden:"" help:"File that holds the reader's password."`
	// TLSCert and TLSKey are PEM files of the listener.
	TLSCert string `name:"tls-cert" placeholder:"FILE" help:"PEM file with the certificate of the embedded NATS server, which is required off loopback."`
	TLSKey  string `name:"tls-key" holds:"secret" placeholder:"FILE" help:"PEM file with the key of that certificate."`
}

// Operator is whom the embedded server lets do everything: a user with a password, a token, or
// nobody from outside.
func (s Settings) Operator() (user string, password, token Secret) {
	if s.Doors.OperatorUser != "" {
		return s.Doors.OperatorUser, s.Doors.OperatorPassword, s.NATS.Token
	}
	return s.NATS.User, s.NATS.Password, s.NATS.Token
}

// Anonymous tells whether the embedded server lets people read without credentials. As soon as a
// login is set that was one for everybody before there were readers, nobody gets in without.
func (s Settings) Anonymous() bool {
	return s.Embedded.Listen.Loopback() && s.Doors.ReaderUser == "" && s.NATS.User == "" && s.NATS.Token == ""
}

// LoggedIn tells whether a login is set.
func (n NATS) LoggedIn() bool {
	return n.Creds != "" || n.NKey != "" || n.User != "" || n.Token != "" || n.Cert != ""
}

// Validate checks the group.
func (d Doors) Validate() error {
	for _, pair := range []struct{ a, b, first, second string }{
		{d.OperatorUser, string(d.OperatorPassword), "embedded-operator-user", "embedded-operator-password"},
		{d.ReaderUser, string(d.ReaderPassword), "embedded-reader-user", "embedded-reader-password"},
		{d.TLSCert, d.TLSKey, "embedded-tls-cert", "embedded-tls-key"},
	} {
		if (pair.a == "") != (pair.b == "") {
			return Usagef(firstSet(pair.a, pair.first, pair.second), "needs both %s and %s", pair.first, pair.second)
		}
	}
	return nil
}

// checkDoors checks what the embedded server lets in, on the address where it listens.
func (s Settings) checkDoors() error {
	operator, _, token := s.Operator()
	listen, reader := s.Embedded.Listen, s.Doors.ReaderUser
	const logins = "embedded-reader-user and embedded-reader-password, or embedded-operator-user and embedded-operator-password"
	switch {
	case strings.HasPrefix(operator, OwnUsers) || strings.HasPrefix(reader, OwnUsers):
		return Usagef(firstSet(s.Doors.OperatorUser, "embedded-operator-user", "embedded-reader-user"),
			"names that begin with %s are the embedded server's own", OwnUsers)
	case operator != "" && operator == reader:
		return Usagef("embedded-reader-user", "%q is the operator, too", reader)
	case listen.Loopback():
		return nil
	case operator == "" && reader == "" && token == "":
		return Usagef("embedded-listen", "%s can be reached by others: set %s, and embedded-tls-cert and embedded-tls-key", listen, logins)
	case s.Doors.TLSCert == "":
		return Usagef("embedded-tls-cert", "is required, with embedded-tls-key: %s (embedded-listen) can be reached by others", listen)
	}
	return nil
}
