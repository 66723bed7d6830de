package conn

import (
	"context"
	"net"
	"sync"

	"github.com/nats-io/nats.go"
)

// dialer dials for nats.go, which knows no contexts. Until connected is called, the end of ctx
// interrupts a dial and closes a connection that is still being greeted; afterwards ctx means
// nothing.
type dialer struct {
	mu   sync.Mutex
	ctx  context.Context // nil once connected
	stop func() bool     // ends the watch over the last connection
}

var _ nats.CustomDialer = (*dialer)(nil)

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ctx := context.Background()
	if d.ctx != nil {
		ctx = d.ctx
	}
	conn, err := (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if d.ctx != nil {
		d.stopWatch()
		d.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	}
	return conn, nil
}

func (d *dialer) stopWatch() {
	if d.stop != nil {
		d.stop()
	}
}

// connected makes the end of ctx mean nothing from now on.
func (d *dialer) connected() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopWatch()
	d.ctx, d.stop = nil, nil
}
