package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The defaults of [Options].
const (
	DefaultStoreDir = "./rollcall-data"
	DefaultListen   = "127.0.0.1:4222"
	// DefaultMaxMemory bounds streams and consumers kept in memory, in bytes. Rollcall itself keeps
	// only the positions of a few ordered consumers there.
	DefaultMaxMemory = 256 << 20
)

// anyStore is more than any disk holds, in bytes, and can be added to without overflow.
const anyStore = 1 << 60

// maxPayload is the largest message, in bytes: NATS's own default, stated because the size of a
// meeting's state is measured against it.
const maxPayload = 1 << 20

// Options of a server. The zero value works.
type Options struct {
	// StoreDir is the directory of the JetStream store; [DefaultStoreDir] when empty. It is created
	// when missing, readable by its owner only.
	StoreDir string
	// Listen is host:port; [DefaultListen] when empty. Port 0 takes any free port,
	// [Server.ClientURL] tells which. Clients of a loopback address need no credentials unless some
	// are set; any other address is refused without them.
	Listen string
	// Username and Password, or Token, are what clients have to log in with, on every address and
	// in process too. They are not for a server with Doors.
	Username, Password, Token string
	// Doors say who may do what; nil lets everybody do everything. With doors there is a
	// [LoginFile].
	Doors *Doors
	// MaxMemory bounds memory streams and consumers, in bytes; [DefaultMaxMemory] when 0.
	MaxMemory int64
	// MaxStore bounds the store on disk, in bytes; when 0, the disk itself does: a server that
	// comes to a bound of its own in the middle of a batch stores half of it, and only opening it
	// again completes that (nats-server 2.15.3).
	MaxStore int64
	// Troubled, if not nil, is called when the server logs an error, so that its health can be
	// asked. It must not wait.
	Troubled func()
	// Logger receives the server's messages: warnings and errors as such, its notices as debug
	// messages.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.StoreDir == "" {
		o.StoreDir = DefaultStoreDir
	}
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = DefaultMaxMemory
	}
	if o.MaxStore == 0 {
		o.MaxStore = anyStore
	}
	if o.Troubled == nil {
		o.Troubled = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// serverOptions checks o and translates it. The keys are for doors.
func (o Options) serverOptions(k keys) (*server.Options, error) {
	host, port, err := o.address()
	if err != nil {
		return nil, err
	}
	if err := o.checkCredentials(host); err != nil {
		return nil, err
	}
	if o.Doors != nil {
		if err := o.Doors.check(host); err != nil {
			return nil, fmt.Errorf("listen address %q: %w", o.Listen, err)
		}
	}
	if o.MaxMemory < 0 || o.MaxStore < 0 {
		return nil, fmt.Errorf("negative limit: MaxMemory %d, MaxStore %d", o.MaxMemory, o.MaxStore)
	}
	out := &server.Options{
		ServerName:         "rollcall",
		Host:               host,
		Port:               port,
		Username:           o.Username,
		Password:           o.Password,
		Authorization:      o.Token,
		JetStream:          true,
		StoreDir:           o.StoreDir,
		JetStreamMaxMemory: o.MaxMemory,
		JetStreamMaxStore:  o.MaxStore,
		MaxPayload:         maxPayload,
		// A commit that was acknowledged survives a power cut.
		SyncAlways: true,
		// The process that embeds the server handles signals, and logs.
		NoSigs:                 true,
		NoLog:                  true,
		DisableJetStreamBanner: true,
	}
	if o.Doors != nil {
		err = o.Doors.build(out, k)
	}
	return out, err
}

// address splits Listen. A port of 0 becomes the server's own word for any free port.
func (o Options) address() (string, int, error) {
	host, p, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: %w", o.Listen, err)
	}
	port, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: port %q is not a number from 0 to 65535", o.Listen, p)
	}
	if port == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(port), nil
}

func (o Options) checkCredentials(host string) error {
	switch {
	case o.Token != "" && (o.Username != "" || o.Password != ""):
		return errors.New("a token and a user name with password exclude each other")
	case (o.Username == "") != (o.Password == ""):
		return errors.New("a user name and a password belong together")
	case o.Doors != nil:
		return nil
	case o.Token == "" && o.Username == "" && !loopback(host):
		return fmt.Errorf("listen address %q: %w", o.Listen, ErrCredentialsRequired)
	}
	return nil
}

// loopback says whether host can only be reached from this machine. Any name but localhost may mean
// anything.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// login is how a client in this process logs in.
func (o Options) login(k keys) []nats.Option {
	switch {
	case o.Doors != nil:
		return []nats.Option{k.inProcess()}
	case o.Token != "":
		return []nats.Option{nats.Token(o.Token)}
	case o.Username != "":
		return []nats.Option{nats.UserInfo(o.Username, o.Password)}
	}
	return nil
}

// probe listens on the address for a moment: the server itself would only log that it cannot, and
// opens the store before it finds out.
func probe(ctx context.Context, sopts *server.Options) error {
	addr := net.JoinHostPort(sopts.Host, strconv.Itoa(max(sopts.Port, 0)))
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s, is another NATS server or another Rollcall running there? %w", addr, err)
	}
	return l.Close()
}
