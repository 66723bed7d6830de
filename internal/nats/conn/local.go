package conn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/embedded"
)

// DemoDirs matches the data directories of demonstrations, in the directory for temporary files. A
// command that is told of none finds the login of a demonstration's server there.
const DemoDirs = "rollcall-demo-*"

// local is the login to the embedded server of a user who has set none: it is in a file that the
// server leaves in its data directory, and is read again at every attempt to connect, as it is
// another one each time the server starts. A client that finds none, or only such as the server
// refuses, connects without.
type local struct {
	dir string
	url string // of the server

	mu      sync.Mutex
	current embedded.LocalLogin // what was tried last
	refused map[string]bool     // by password
}

// findLocal returns the login for a server. A file that others may read as well is refused.
func findLocal(dir, url string) (*local, error) {
	l := &local{dir: dir, url: url, refused: map[string]bool{}}
	if _, err := embedded.ReadLogin(filepath.Join(dir, embedded.LoginFile)); errors.Is(err, embedded.ErrOpenLogin) {
		return nil, config.Usagef("data-dir", "%w", err)
	}
	return l, nil
}

// options log in.
func (l *local) options() []nats.Option {
	return []nats.Option{nats.UserInfoHandler(l.userInfo), func(o *nats.Options) error {
		// Whether there is TLS is for the server to say. What it shows is checked by verify.
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: l.verify} //nolint:gosec // see verify
		return nil
	}}
}

// userInfo is the login to try next.
func (l *local) userInfo() (user, password string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.choose()
	return l.current.User, l.current.Password
}

// choose finds what is to be tried now.
func (l *local) choose() {
	l.current = embedded.LocalLogin{}
	for _, file := range l.files() {
		found, err := embedded.ReadLogin(file)
		if err == nil && found.Password != "" && !l.refused[found.Password] && samePort(found.URL, l.url) {
			l.current = found
			return
		}
	}
}

// files are where a login may be, the likeliest first.
func (l *local) files() []string {
	demos, _ := filepath.Glob(filepath.Join(os.TempDir(), DemoDirs, embedded.LoginFile)) // the pattern is one
	return append([]string{filepath.Join(l.dir, embedded.LoginFile)}, demos...)
}

// next tells whether it makes sense to try again after the server has refused a login.
func (l *local) next(err error) bool {
	if l == nil || !errors.Is(err, nats.ErrAuthorization) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current.Password == "" {
		return false
	}
	l.refused[l.current.Password] = true
	return true
}

// samePort tells whether two URLs have the same port: the hosts are this one, by whatever name.
func samePort(a, b string) bool {
	first, err := url.Parse(a)
	second, err2 := url.Parse(b)
	return errors.Join(err, err2) == nil && first.Port() == second.Port()
}

// verify checks the server's certificate: by the file that the login names, which this user can
// read as the server can, or else as for any server.
func (l *local) verify(state tls.ConnectionState) error {
	l.mu.Lock()
	l.choose() // the server is asked to show itself before it is told who comes
	pinned := l.current.Certificate
	l.mu.Unlock()
	shown := state.PeerCertificates
	if pinned == "" {
		others := x509.NewCertPool()
		for _, c := range shown[1:] {
			others.AddCert(c)
		}
		_, err := shown[0].Verify(x509.VerifyOptions{DNSName: state.ServerName, Intermediates: others})
		return err
	}
	text, err := os.ReadFile(pinned)
	if err != nil {
		return err
	}
	if block, _ := pem.Decode(text); block == nil || !bytes.Equal(block.Bytes, shown[0].Raw) {
		return errors.New("the server does not show the certificate in " + pinned)
	}
	return nil
}
