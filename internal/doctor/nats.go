package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/budget"
	"github.com/c4342123/rollcall/internal/embeddednats"
	"github.com/c4342123/rollcall/internal/natsconn"
	"github.com/c4342123/rollcall/publisher"
)

// store examines NATS.
type store struct {
	opts Options
	conn *nats.Conn // nil when there is no server to be asked
	why  string     // there is none
}

func (s *store) close() {
	if s.conn != nil {
		s.conn.Close()
	}
}

// call takes one call out of the month's, if these are limited. Where they cannot be counted there is none to be had.
func (s *store) call(ctx context.Context) error {
	d := s.opts.Settings.DingTalk
	if d.MonthlyCalls == 0 {
		return nil
	}
	if s.conn == nil {
		return errors.New(s.why)
	}
	month, err := budget.OpenMonth(ctx, s.conn, budget.MonthOptions{
		Limit: int(d.MonthlyCalls), Location: d.Location(), Replicas: s.opts.Settings.Store.Replicas,
	})
	if err != nil {
		return err
	}
	return errors.Join(month.Take(ctx, budget.Look), month.Close(ctx))
}

// updateServers is what to do about NATS servers that are too old.
const updateServers = "update the NATS servers to 2.14.6 or newer, best to 2.15"

// connection connects to the server of the settings. The embedded one need not run: then it is checked that it could.
func (s *store) connection(ctx context.Context) Finding {
	settings := s.opts.Settings
	conn, err := natsconn.Connect(ctx, settings.NATS, natsconn.Options{
		Name: "rollcall-doctor", Embedded: settings.Embedded.Listen, LookupEnv: s.opts.LookupEnv,
	})
	if err == nil {
		if err := publisher.CheckServer(conn); err != nil {
			conn.Close()
			s.why = "the NATS server cannot be used"
			return failed(err, updateServers)
		}
		s.conn = conn
		return ok(fmt.Sprintf("connected to %s, version %s", conn.ConnectedUrlRedacted(), conn.ConnectedServerVersion()))
	}
	s.why = "no connection to NATS"
	if !settings.NATS.External() && !errors.Is(err, nats.ErrAuthorization) {
		return s.embedded(ctx)
	}
	if errors.Is(err, nats.ErrAuthorization) {
		return failed(err, "correct the log-in: --nats-creds, --nats-nkey, --nats-user with --nats-password, or --nats-token")
	}
	return failed(err, "check --nats-url, and that the server runs and can be reached from here")
}

// embedded examines where the embedded server would run.
func (s *store) embedded(ctx context.Context) Finding {
	settings := s.opts.Settings
	s.why = "the service is not running"
	err := embeddednats.Check(ctx, embeddednats.Options{
		StoreDir: settings.Store.DataDir, Listen: string(settings.Embedded.Listen),
		Username: settings.NATS.User, Password: settings.NATS.Password.Reveal(), Token: settings.NATS.Token.Reveal(),
	})
	switch {
	case err == nil:
		return ok(fmt.Sprintf("the embedded server can run on %s with its data in %s", settings.Embedded.Listen, settings.Store.DataDir))
	case errors.Is(err, embeddednats.ErrStoreInUse):
		return failed(err, "another Rollcall has these data: stop it, or choose another --data-dir")
	default:
		return failed(err, "choose another --data-dir or --embedded-listen, or mend what the error names")
	}
}

// stream examines the stream, if there is one yet.
func (s *store) stream(ctx context.Context) Finding {
	if s.conn == nil {
		return skipped(s.why)
	}
	want := s.opts.Settings.Store.Replicas
	found, err := publisher.Inspect(ctx, s.conn, want)
	switch {
	case errors.Is(err, publisher.ErrServerTooOld):
		return failed(err, updateServers)
	case errors.Is(err, publisher.ErrStreamConfig):
		return failed(err, "somebody made this stream otherwise: move its messages elsewhere and remove it, Rollcall makes its own")
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return failed(err, "switch JetStream on in the server's configuration, and for this account")
	case err != nil:
		return failed(err, "check the server's log, and that this user may use JetStream ($JS.API.>)")
	case len(found.Warnings) > 0:
		return note(strings.Join(append(found.Warnings, found.Changes...), "; "), updateServers)
	case !found.Exists:
		return ok("there is none yet; the service makes it when it starts")
	case len(found.Changes) > 0:
		return note("the service will change it: "+strings.Join(found.Changes, "; "), "")
	default:
		return ok(fmt.Sprintf("%d messages, %d replicas", found.Messages, found.Replicas))
	}
}
