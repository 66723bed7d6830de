package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/publisher"
)

// store examines NATS.
type store struct {
	opts Options
	conn *nats.Conn // nil when there is no server to be asked
	why  string     // there is none

	refusals conn.Refusals
	replies  []reply                  // to what was asked about permissions
	limits   *jetstream.AccountLimits // nil when they are not known
	used     jetstream.Tier           // of the limits
	wants    bool                     // serve makes or changes a stream
}

func (s *store) close() {
	if s.conn != nil {
		s.conn.Close()
	}
}

// giveUp notes why the server is asked nothing more.
func (s *store) giveUp(why string) {
	s.why = why
	s.close()
	s.conn = nil
}

// call takes one call out of the month's, if these are limited. Where they cannot be counted there
// is none to be had.
func (s *store) call(ctx context.Context) error {
	d := s.opts.Settings.DingTalk
	if d.Month(false).Calls == 0 {
		return nil
	}
	if s.conn == nil {
		return errors.New(s.why)
	}
	if !s.may(toServe) {
		return errors.New("calls cannot be counted without the permissions above")
	}
	limit, err := s.limit(ctx)
	if err != nil {
		return err
	}
	month, err := budget.OpenMonth(ctx, s.conn, budget.MonthOptions{
		Limit: limit, Location: d.Location(), Replicas: s.opts.Settings.Store.Replicas,
	})
	if err != nil {
		return err
	}
	return errors.Join(month.Take(ctx, budget.Look), month.Close(ctx))
}

// limit is how many calls the month has.
func (s *store) limit(ctx context.Context) (int, error) {
	js, err := jetstream.New(s.conn)
	if err != nil {
		return 0, err
	}
	older, err := publisher.Older(ctx, js)
	return s.opts.Settings.DingTalk.Month(older).Calls, err
}

// updateServers is what to do about NATS servers that are too old.
const updateServers = "update the NATS servers to 2.14.6 or newer, best to 2.15"

// connection connects to the server of the settings. The embedded one need not run: then it is
// checked that it could.
func (s *store) connection(ctx context.Context) Finding {
	settings := s.opts.Settings
	nc, err := conn.Connect(ctx, settings.NATS, conn.Options{
		Name: "rollcall-doctor", Embedded: settings.Embedded.Listen, DataDir: settings.Store.DataDir, LookupEnv: s.opts.LookupEnv, Refusals: &s.refusals,
		Extra: []nats.Option{nats.PermissionErrOnSubscribe(true)},
	})
	if err == nil {
		if err := publisher.CheckServer(nc); err != nil {
			nc.Close()
			s.why = "the NATS server cannot be used"
			return failed(err, updateServers)
		}
		if err := conn.Writer(ctx, nc, settings.NATS); err != nil {
			nc.Close()
			s.why = "this user only reads"
			return failed(errors.New("this user only reads from the embedded server"),
				"set --data-dir to the service's, as the user that it runs as, or --nats-user with --nats-password")
		}
		s.conn = nc
		return ok(fmt.Sprintf("connected to %s, version %s", nc.ConnectedUrlRedacted(), nc.ConnectedServerVersion()))
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
	err := embedded.Check(ctx, embedded.FromSettings(settings))
	switch {
	case err == nil:
		return ok(fmt.Sprintf("the embedded server can run on %s with its data in %s", settings.Embedded.Listen, settings.Store.DataDir))
	case errors.Is(err, embedded.ErrStoreInUse):
		return failed(err, "another Rollcall has these data: stop it, or choose another --data-dir")
	default:
		return failed(err, "choose another --data-dir or --embedded-listen, or mend what the error names")
	}
}
