// Package embedded runs a NATS server with JetStream inside this process, so that one binary on one
// machine is a whole installation. The server listens on TCP as well: any NATS client can connect
// to it.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startTimeout bounds how long the server may take until it accepts clients. It opens an empty
// store in milliseconds; recovering a large one takes longer.
const startTimeout = 2 * time.Minute

var (
	// ErrStoreInUse says that another server has the store directory open.
	ErrStoreInUse = errors.New("store directory is in use")
	// ErrCredentialsRequired says that an address others can reach was to be served without
	// credentials.
	ErrCredentialsRequired = errors.New("credentials are required to listen on an address that is not loopback")
	// ErrTLSRequired says that an address others can reach was to be served without TLS.
	ErrTLSRequired = errors.New("TLS is required to listen on an address that is not loopback")
)

// Server is a running NATS server. It is made by [Start] and stopped by [Server.Close].
type Server struct {
	opts  Options
	keys  keys
	url   string
	login []nats.Option
	lock  *storeLock

	changing sync.Mutex // held while the server is being opened again or closed
	closed   bool
	running  atomic.Pointer[server.Server]
}

var _ nats.InProcessConnProvider = (*Server)(nil)

// Start opens the store, starts the server and returns when it accepts clients and its JetStream is
// ready.
//
// It fails when another server, of this or of another process, has the store open
// ([ErrStoreInUse]), when the address is taken (syscall.EADDRINUSE is in the error's chain), when
// an address that is not loopback is to be served without credentials ([ErrCredentialsRequired]),
// when the store cannot be read or written, and when ctx ends before the server is ready. Nothing
// is left running or locked then. A ctx that ends later does not stop the server.
func Start(ctx context.Context, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	k := newKeys()
	sopts, err := opts.serverOptions(k)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS server: %w", err)
	}
	if err := os.MkdirAll(opts.StoreDir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded NATS server: cannot create the store directory: %w", err)
	}
	lock, err := lockStore(opts.StoreDir)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ns, err := opts.begin(ctx, sopts, k)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded NATS server: %w", err), lock.release())
	}
	s := &Server{opts: opts, keys: k, url: ns.ClientURL(), login: opts.login(k), lock: lock}
	s.running.Store(ns)
	if err := s.warm(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded NATS server: %w", err), s.Close())
	}
	return s, nil
}

// begin starts the server. The login file is there before anybody can come in: who comes again,
// after a restart, reads it.
func (o Options) begin(ctx context.Context, sopts *server.Options, k keys) (*server.Server, error) {
	if o.Doors == nil {
		return start(ctx, sopts, o)
	}
	if err := o.leaveLogin("nats://"+o.Listen, k); err != nil {
		return nil, err
	}
	ns, err := start(ctx, sopts, o)
	if err != nil {
		return nil, errors.Join(err, removeLogin(o.StoreDir))
	}
	if err := o.leaveLogin(ns.ClientURL(), k); err != nil { // the port may be any
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, err
	}
	return ns, nil
}

// start runs a server with sopts and waits for it.
func start(ctx context.Context, sopts *server.Options, opts Options) (*server.Server, error) {
	if err := probe(ctx, sopts); err != nil {
		return nil, err
	}
	ns, err := server.NewServer(sopts)
	if err != nil {
		return nil, err
	}
	log := newServerLog(opts.Logger, opts.Troubled)
	// After NewServer, which would otherwise put the server's own logger in its place.
	ns.SetLoggerV2(log, false, false, false)
	if opts.Doors != nil {
		if err := connectAccounts(ns); err != nil {
			return nil, err
		}
	}
	ns.Start()
	err = ready(ctx, ns, log)
	if err == nil && opts.Doors != nil {
		err = open(ns, log)
	}
	if err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, err
	}
	return ns, nil
}

// ready waits until ns accepts clients, or says why it never will.
func ready(ctx context.Context, ns *server.Server, log *serverLog) error {
	for {
		up := ns.ReadyForConnections(20 * time.Millisecond)
		select {
		case msg := <-log.fatal:
			return errors.New(msg)
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", context.Cause(ctx))
		default:
		}
		if up && ns.JetStreamEnabled() {
			return nil
		}
	}
}

// ClientURL is where clients connect to, "nats://127.0.0.1:4222" by default. It holds no
// credentials.
func (s *Server) ClientURL() string { return s.url }

// InProcess returns the options that let a client of this process talk to the server without a
// socket; the URL given to [nats.Connect] is then of no importance. The caller closes its
// connection before [Server.Close].
func (s *Server) InProcess() []nats.Option {
	return append([]nats.Option{nats.InProcessServer(s)}, s.login...)
}

// InProcessConn implements [nats.InProcessConnProvider], for whichever server runs at the moment.
func (s *Server) InProcessConn() (net.Conn, error) { return s.running.Load().InProcessConn() }

// Close stops the server, waits until everything it holds is on disk and lets go of the store.
// Clients are to be closed before: one that is still connected tries to reconnect until it is. It
// is safe to call more than once; only the first call does anything.
func (s *Server) Close() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.shutdown()
	var err error
	if s.opts.Doors != nil {
		err = removeLogin(s.opts.StoreDir)
	}
	return errors.Join(err, s.lock.release())
}

func (s *Server) shutdown() {
	ns := s.running.Load()
	ns.Shutdown()
	ns.WaitForShutdown()
}
