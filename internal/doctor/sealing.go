package doctor

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/c4342123/rollcall/internal/base/signing"
	"github.com/c4342123/rollcall/internal/config"
)

// Sealing says which public key seals what is recorded. It makes no key.
func Sealing(s config.Settings) Finding {
	path, missing := s.SigningKey()
	if path == "" {
		return note("nothing is sealed: there is no key", "set --signing-key-file, the same for all replicas")
	}
	key, err := signing.Load(path)
	switch {
	case missing && errors.Is(err, fs.ErrNotExist):
		return ok("no key seals yet: the service makes " + path + " when it first starts")
	case err != nil:
		return failed(fmt.Errorf("the key that seals: %w", err), "set --signing-key-file to a seed that `nk -gen user` made, or to a copy of the service's "+signing.File)
	}
	public, err := key.PublicKey()
	if err != nil {
		return failed(err, "")
	}
	return ok("sealed with " + public)
}
