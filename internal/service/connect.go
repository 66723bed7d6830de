package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/privacy"
	"github.com/c4342123/rollcall/publisher"
)

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
)

// link is the connection to NATS.
type link struct {
	conn *nats.Conn
	url  string
	stop func() error // closes the connection, and the server if it is ours
}

// connect connects to the NATS server of the settings as soon as that is possible, or to one it
// starts.
func (s *service) connect(ctx context.Context) (link, error) {
	opts := conn.Options{LookupEnv: s.opts.LookupEnv, Logger: s.log, Retry: true, Refusals: &s.refusals, Failing: s.gate.waitFor}
	l := link{stop: func() error { return nil }}
	login := s.opts.Settings.NATS
	if !s.opts.Settings.NATS.External() {
		embedded, err := s.startEmbedded(ctx)
		if err != nil {
			return link{}, err
		}
		opts.Extra, l.url, l.stop = embedded.InProcess(), embedded.ClientURL(), s.tend(ctx, embedded)
		login = config.NATS{} // what is set is others' login
	}
	conn, err := conn.Connect(ctx, login, opts)
	if err != nil {
		return link{}, errors.Join(err, l.stop())
	}
	stop := l.stop
	l.conn, l.stop = conn, func() error {
		conn.Close()
		return stop()
	}
	l.url = cmp.Or(l.url, conn.ConnectedUrlRedacted())
	return l, nil
}

// tend looks after the embedded server until the returned function is called, which closes it and
// returns why it could not be kept.
func (s *service) tend(ctx context.Context, embedded *embedded.Server) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	s.disk.nats = embedded
	s.gate.disk.Store(s.disk)
	go func() {
		err := s.disk.run(ctx)
		if err != nil {
			s.stop()
		}
		ended <- err
	}()
	return func() error {
		cancel()
		return errors.Join(<-ended, embedded.Close())
	}
}

func (s *service) startEmbedded(ctx context.Context) (*embedded.Server, error) {
	s.disk = newDisk(s)
	opts := embedded.FromSettings(s.opts.Settings)
	opts.Logger, opts.Troubled = s.log, s.disk.wake
	ns, err := embedded.Start(ctx, opts)
	var address *net.OpError
	var path *fs.PathError
	switch {
	case errors.Is(err, embedded.ErrCertificate):
		return nil, config.Usagef("embedded-tls-cert", "%w", err)
	case errors.As(err, &address):
		return nil, fmt.Errorf("%w (--embedded-listen, ROLLCALL_EMBEDDED_LISTEN)", err)
	case errors.As(err, &path), errors.Is(err, embedded.ErrStoreInUse):
		return nil, fmt.Errorf("%w (--data-dir, ROLLCALL_DATA_DIR)", err)
	}
	return ns, err
}

var (
	errOpening     = errors.New("the stream is being opened")
	errNoJetStream = errors.New("the NATS server has no JetStream, or none that answers: switch it on")
)

// weakKey is what is said of a key that is kept because people have their pseudonyms from it.
const weakKey = "the privacy key has fewer than 32 bytes: whoever knows a unionId and its pseudonym may find it by trying. " +
	"It is kept as the stored pseudonyms were made with it; start once with a new one and --privacy-switch to give everybody new ones"

// openStore opens the stream, as soon as the servers can.
func (s *service) openStore(ctx context.Context, conn *nats.Conn) (pub *publisher.Publisher, err error) {
	way, err := privacy.Of(s.opts.Settings.Events)
	if err != nil {
		return nil, err
	}
	way.Switch = s.opts.PrivacySwitch
	signer, err := s.signer()
	if err != nil {
		return nil, err
	}
	s.key = signer
	opts := publisher.Options{
		Signer: signer, CheckpointRetention: s.opts.Settings.Events.AuditRetention, Privacy: way, CorpID: s.opts.Settings.DingTalk.CorpID, Replicas: s.opts.Settings.Store.Replicas,
		Retention: s.opts.Settings.Events.Retention, Attempted: s.storeAttempted, Logger: s.log, Switch: s.allCan,
	}
	s.gate.waitFor(errOpening) // until there is an answer, or what is asked is refused
	err = s.persist(ctx, "opening the stream", func() error {
		pub, err = publisher.Open(ctx, conn, opts)
		if errors.Is(err, nats.ErrNoResponders) {
			return fmt.Errorf("%w: %w", errNoJetStream, err)
		}
		if errors.Is(err, publisher.ErrStreamConfig) || errors.Is(err, publisher.ErrServerTooOld) {
			return backoff.Permanent(err) // until somebody mends it
		}
		if refused := privacy.Refused(err); refused != nil {
			return backoff.Permanent(refused)
		}
		return err
	})
	if err == nil && way.Weak {
		s.log.Warn(weakKey)
	}
	return pub, err
}

// storeAttempted is told by the publisher how an attempt to store went.
func (s *service) storeAttempted(err error) {
	if err == nil {
		s.board.worked(storeArea)
	}
	s.gate.storeAttempted(err)
}

// persist repeats a step of the start until it succeeds or ctx ends: NATS may come up later than we
// do.
func (s *service) persist(ctx context.Context, what string, step func() error) error {
	_, err := pause.Until(ctx, firstPause, maxPause, func() (struct{}, error) {
		err := s.refusals.Explain(step())
		if _, ok := errors.AsType[*backoff.PermanentError](err); ok {
			return struct{}{}, err
		}
		if err != nil {
			s.gate.waitFor(fmt.Errorf("%s: %w", what, err))
		}
		s.changes.Failed(what, err)
		return struct{}{}, err
	})
	return err
}

// owner names this replica.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strconv.Itoa(os.Getpid())
}
