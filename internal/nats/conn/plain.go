package conn

import (
	"errors"
	"strings"

	"github.com/nats-io/nats.go"
)

// Plainly returns err in plainer words where the client library says that its buffer is full, and
// means that there is no connection: [Connect] has it buffer nothing. The chain of errors stays as
// it is.
func Plainly(err error) error {
	if errors.Is(err, nats.ErrReconnectBufExceeded) {
		return plain{err}
	}
	return err
}

type plain struct{ err error }

func (p plain) Error() string {
	return strings.ReplaceAll(p.err.Error(), nats.ErrReconnectBufExceeded.Error(), "not connected to the NATS server")
}

func (p plain) Unwrap() error { return p.err }

// Unreachable says that nothing is wrong but that the server cannot be reached.
func (p plain) Unreachable() bool { return true }
