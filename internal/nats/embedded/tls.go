package embedded

import (
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/internal/base/keypair"
)

// tlsTimeout is how long a client may take to agree on TLS, in seconds.
const tlsTimeout = 5

// ErrCertificate says that the server's certificate or its key cannot be read, or do not fit.
var ErrCertificate = errors.New("the certificate cannot be used")

// tlsConfig is for a server with the pair in these files.
func tlsConfig(cert, key string) (*tls.Config, error) {
	pair, err := keypair.Open(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return pair.Config(), nil
}
