package config

import (
	"errors"
	"fmt"
	"strings"
)

// The exit statuses of the program.
const (
	ExitDone   = 0 // the command did what it was asked to do
	ExitFailed = 1 // it failed
	ExitUsage  = 2 // the command line or a setting is wrong
)

// UsageError says what is wrong with the command line or with a setting, in one line. The program
// ends with status 2.
type UsageError struct {
	// Setting is the name of the setting as its flag has it, without dashes in front; empty when
	// the trouble is not a setting's.
	Setting string
	// Origin is where the setting came from; nil when that is not known.
	Origin *Origin
	// Err says what is wrong. It never holds a secret.
	Err error
}

// Error names the setting the way it was written where it came from.
func (e *UsageError) Error() string {
	text := strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	switch {
	case e.Setting == "":
		return text
	case e.Origin == nil || e.Origin.Level == Default:
		return fmt.Sprintf("--%s (%s, %s): %s", e.Setting, EnvName(e.Setting), FileKey(e.Setting), text)
	default:
		return fmt.Sprintf("%s: %s", e.Origin, text)
	}
}

// Unwrap returns what is wrong.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a [UsageError] about the setting with that flag name, or about none when it is
// empty. Returned by a command it is completed with the setting's origin and ends the program with
// status 2.
func Usagef(setting, format string, args ...any) error {
	return &UsageError{Setting: setting, Err: fmt.Errorf(format, args...)}
}

// ExitError ends the program with a status of its own.
type ExitError struct {
	Code int
	Err  error // printed to stderr, unless nil
}

// Error implements error.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// exitCode says with which status the program ends after err, and whether err is to be shown.
func exitCode(err error) (code int, show bool) {
	var exit *ExitError
	var usage *UsageError
	switch {
	case err == nil:
		return ExitDone, false
	case errors.As(err, &exit):
		return exit.Code, exit.Err != nil
	case errors.As(err, &usage):
		return ExitUsage, true
	default:
		return ExitFailed, true
	}
}
