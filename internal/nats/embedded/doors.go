package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/readers"
)

// Users of the server that the settings do not name.
const (
	userProduct   = config.OwnUsers + "rollcall" // this process, which alone may use it
	userLocal     = config.OwnUsers + "local"    // programs on the same data directory, by its [LoginFile]
	userAnonymous = config.OwnUsers + "guest"    // who comes without credentials, and only reads
)

// Login is a user name with a password.
type Login struct{ User, Password string }

// Doors say who may do what. The stream lives in the server's account $G. Operators come there, and
// may do everything. Readers come into an account of their own, see package readers.
type Doors struct {
	// Operator and Token are what operators log in with; neither need be set.
	Operator Login
	Token    string
	// Reader is what readers log in with; it need not be set.
	Reader Login
	// Anonymous lets in who has no credentials, as a reader. It is for loopback alone.
	Anonymous bool
	// TLSCert and TLSKey are PEM files; without them there is no TLS, which is for loopback alone.
	TLSCert, TLSKey string
}

// keys are the passwords that only this process gives out. They are new at every start.
type keys struct{ product, local string }

func newKeys() keys { return keys{rand.Text(), rand.Text()} }

// inProcess is how this process logs in.
func (k keys) inProcess() nats.Option { return nats.UserInfo(userProduct, k.product) }

// check says what is wrong with doors on an address of that host.
func (d Doors) check(host string) error {
	for _, l := range []Login{d.Operator, d.Reader} {
		if (l.User == "") != (l.Password == "") {
			return errors.New("a user name and a password belong together")
		}
		if strings.HasPrefix(l.User, config.OwnUsers) {
			return fmt.Errorf("the user name %q begins as the server's own do", l.User)
		}
	}
	switch {
	case d.Operator.User != "" && d.Operator.User == d.Reader.User:
		return fmt.Errorf("%q is operator and reader", d.Operator.User)
	case (d.TLSCert == "") != (d.TLSKey == ""):
		return errors.New("a certificate and a key belong together")
	case loopback(host):
		return nil
	case d.Anonymous:
		return ErrCredentialsRequired
	case d.TLSCert == "":
		return ErrTLSRequired
	}
	return nil
}

// build puts the doors into a server's options.
func (d Doors) build(o *server.Options, k keys) error {
	account := server.NewAccount(readers.Account)
	reading := &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: readers.Publish()},
		Subscribe: &server.SubjectPermission{Allow: readers.Subscribe()},
	}
	inProcess := map[string]struct{}{"IN_PROCESS": {}}
	o.Accounts = []*server.Account{account}
	o.Users = []*server.User{
		{Username: userProduct, Password: k.product, AllowedConnectionTypes: inProcess},
		{Username: userLocal, Password: k.local},
	}
	if d.Operator.User != "" {
		o.Users = append(o.Users, &server.User{Username: d.Operator.User, Password: d.Operator.Password})
	}
	if d.Reader.User != "" {
		o.Users = append(o.Users, &server.User{Username: d.Reader.User, Password: d.Reader.Password, Account: account, Permissions: reading})
	}
	if d.Anonymous {
		o.Users = append(o.Users, &server.User{Username: userAnonymous, Account: account, Permissions: reading})
		o.NoAuthUser = userAnonymous
	}
	o.Authorization = d.Token
	o.DontListen = true // until everything is in place, see open
	if d.TLSCert == "" {
		return nil
	}
	var err error
	o.TLSConfig, err = tlsConfig(d.TLSCert, d.TLSKey)
	o.TLSTimeout = tlsTimeout
	return err
}

// connectAccounts lets readers have what package readers says, before anybody is let in.
func connectAccounts(ns *server.Server) error {
	from := ns.GlobalAccount()
	to, err := ns.LookupAccount(readers.Account)
	if err != nil {
		return err
	}
	only := []*server.Account{to}
	if err := errors.Join(from.AddStreamExport(readers.Live, only), to.AddStreamImport(from, readers.Live, "")); err != nil {
		return err
	}
	for _, s := range readers.Services() {
		answers := server.Singleton
		if s.Many {
			answers = server.Streamed
		}
		if err := errors.Join(from.AddServiceExportWithResponse(s.To, answers, only), to.AddServiceImport(from, s.Subject, s.To)); err != nil {
			return fmt.Errorf("%s: %w", s.Subject, err)
		}
	}
	return nil
}

// open switches on the JetStream of the account $G, which a server that has another account leaves
// off (nats-server 2.15.3), and only then lets clients in: they would take the stream for deleted.
func open(ns *server.Server, log *serverLog) error {
	if err := ns.GlobalAccount().EnableJetStream(nil, nil); err != nil {
		return err
	}
	listening := make(chan struct{})
	ns.AcceptLoop(listening)
	<-listening
	select {
	case msg := <-log.fatal:
		return errors.New(msg)
	default:
		return nil
	}
}
