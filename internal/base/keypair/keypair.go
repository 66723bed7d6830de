// Package keypair reads a certificate and its key from two files, again whenever they change.
package keypair

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// maxFile bounds either file, in bytes.
const maxFile = 1 << 20

// Pair is a certificate with its key. A pair that cannot be read, or does not fit, leaves the one
// before in force: a file may be half written.
type Pair struct {
	cert, key string // paths

	mu      sync.Mutex
	current *tls.Certificate
	read    [2][]byte // what the files held
}

// Open reads the pair.
func Open(cert, key string) (*Pair, error) {
	p := &Pair{cert: cert, key: key}
	if err := p.look(); err != nil {
		return nil, err
	}
	return p, nil
}

// Config is for a server that shows the pair: the newest one to each new connection.
func (p *Pair) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			_ = p.look()
			return p.current, nil
		},
	}
}

// Follow tells every so often how the reading of the pair goes, until ctx ends; nil is that it went
// well.
func (p *Pair) Follow(ctx context.Context, every time.Duration, tell func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			err := p.look()
			p.mu.Unlock()
			tell(err)
		case <-ctx.Done():
			return
		}
	}
}

// look reads the files. The caller holds mu.
func (p *Pair) look() error {
	var read [2][]byte
	for i, path := range []string{p.cert, p.key} {
		var err error
		if read[i], err = readFile(path); err != nil {
			return err
		}
	}
	if p.current != nil && bytes.Equal(read[0], p.read[0]) && bytes.Equal(read[1], p.read[1]) {
		return nil
	}
	pair, err := tls.X509KeyPair(read[0], read[1])
	if err != nil {
		return fmt.Errorf("%s and %s: %w", p.cert, p.key, err)
	}
	p.current, p.read = &pair, read
	return nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxFile))
}
