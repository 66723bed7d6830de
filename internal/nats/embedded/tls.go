package embedded

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// tlsTimeout is how long a client may take to agree on TLS, in seconds.
const tlsTimeout = 5

// pair is a certificate with its key, read from two files again whenever one of them has changed. A
// pair that cannot be read, or does not fit, leaves the one before in force.
type pair struct {
	cert, key string // paths

	mu      sync.Mutex
	current *tls.Certificate
	read    [2]time.Time // when the files had been changed last, as they were read
}

// ErrCertificate says that the server's certificate or its key cannot be read, or do not fit.
var ErrCertificate = errors.New("the certificate cannot be used")

// tlsConfig is for a server with the pair in these files.
func tlsConfig(cert, key string) (*tls.Config, error) {
	p := &pair{cert: cert, key: key}
	if err := p.refresh(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.certificate(), nil },
	}, nil
}

// certificate is the pair to be shown now.
func (p *pair) certificate() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.refresh() // else the one before is shown: a file may be half written
	return p.current
}

// refresh reads the files if one of them has changed.
func (p *pair) refresh() error {
	var changed [2]time.Time
	for i, file := range []string{p.cert, p.key} {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		changed[i] = info.ModTime()
	}
	if p.current != nil && changed == p.read {
		return nil
	}
	read, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return err
	}
	p.current, p.read = &read, changed
	return nil
}
