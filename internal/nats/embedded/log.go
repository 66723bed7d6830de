package embedded

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog passes the server's messages on to slog.
type serverLog struct {
	logger *slog.Logger
	// fatal holds the first message with which the server gave up. The server calls it fatal and
	// leaves it to its logger to end the process; here Start returns it.
	fatal    chan string
	troubled func()
}

var _ server.Logger = (*serverLog)(nil)

func newServerLog(logger *slog.Logger, troubled func()) *serverLog {
	return &serverLog{logger: logger.With("component", "nats-server"), fatal: make(chan string, 1), troubled: troubled}
}

// Noticef implements [server.Logger]. What the server finds worth a notice at its start is detail
// to ours.
func (l *serverLog) Noticef(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) }

// Warnf implements [server.Logger].
func (l *serverLog) Warnf(format string, v ...any) { l.logger.Warn(fmt.Sprintf(format, v...)) }

// Errorf implements [server.Logger].
func (l *serverLog) Errorf(format string, v ...any) {
	l.logger.Error(fmt.Sprintf(format, v...))
	l.troubled()
}

// Fatalf implements [server.Logger].
func (l *serverLog) Fatalf(format string, v ...any) {
	msg := fmt.Sprintf(format, v...)
	l.logger.Error(msg)
	select {
	case l.fatal <- msg:
	default:
	}
}

// Debugf implements [server.Logger].
func (l *serverLog) Debugf(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) }

// Tracef implements [server.Logger].
func (l *serverLog) Tracef(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) }
