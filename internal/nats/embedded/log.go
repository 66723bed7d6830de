package embedded

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"

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
func (l *serverLog) Warnf(format string, v ...any) {
	if strings.HasPrefix(format, "Plaintext passwords") { // is advice about a configuration file, and there is none
		l.Debugf(format, v...)
		return
	}
	l.logger.Warn(fmt.Sprintf(format, v...))
}

// clientsFault is what the server's errors hold that tell of a client that was refused something,
// see sendAuthError, and pubPermissionViolation and its like, in nats-server's client.go.
var clientsFault = regexp.MustCompile(`(?i)\bviolation\b|authentication (error|timeout)`)

// Errorf implements [server.Logger].
func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if clientsFault.MatchString(text) { // which is no trouble of the server, and holds what the client likes
		l.logger.Warn("a NATS client was refused what it asked for, or its log-in; log level debug says what")
		l.logger.Debug(text)
		return
	}
	l.logger.Error(text)
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
