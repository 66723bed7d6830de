package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoginFile is the file in the store directory by which programs on the same machine that may read
// it come to the server, and may do everything there. Only its owner may read it.
const LoginFile = "nats.login"

// LocalLogin is what a [LoginFile] holds.
type LocalLogin struct {
	URL      string `json:"url"` // where the server listens, without credentials
	User     string `json:"user"`
	Password string `json:"password"`
	// Path of the file with the server's certificate; empty without TLS.
	Certificate string `json:"certificate,omitempty"`
}

// ErrOpenLogin says that others than its owner may read a login file.
var ErrOpenLogin = errors.New("can be read by others than its owner")

// ReadLogin reads a login file. One that others may read as well is refused: they may have written
// it.
func ReadLogin(path string) (LocalLogin, error) {
	info, err := os.Stat(path)
	if err != nil {
		return LocalLogin{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return LocalLogin{}, fmt.Errorf("%s %w: chmod 600 %[1]s", path, ErrOpenLogin)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return LocalLogin{}, err
	}
	var l LocalLogin
	if err := json.Unmarshal(text, &l); err != nil {
		return LocalLogin{}, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// leaveLogin tells programs on the store directory how to log in to the server at the URL.
func (o Options) leaveLogin(url string, k keys) error {
	l := LocalLogin{URL: url, User: userLocal, Password: k.local}
	if cert := o.Doors.TLSCert; cert != "" {
		var err error
		if l.Certificate, err = filepath.Abs(cert); err != nil {
			return err
		}
	}
	return writeLogin(o.StoreDir, l)
}

// writeLogin replaces the file, so that a reader gets all of the old one or all of the new one.
func writeLogin(dir string, l LocalLogin) error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+LoginFile+"-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, LoginFile))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// removeLogin removes the file of a server that is closed.
func removeLogin(dir string) error {
	if err := os.Remove(filepath.Join(dir, LoginFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
