package publisher

import (
	"errors"
	"fmt"
)

var (
	// ErrConflict says that somebody else committed for the meeting since its state was read.
	// Nothing of the commit is stored, or, if it was larger than one batch, only a beginning that
	// is consistent in itself. Load again, compare again.
	ErrConflict = errors.New("the meeting's state was changed by somebody else")
	// ErrUnknownOutcome says that the server was asked to commit and that its answer was not to be
	// had. The next Load tells whether it did.
	ErrUnknownOutcome = errors.New("the outcome of the commit is not known")
	// ErrUnavailable says that the server could not take a commit for longer than a publisher
	// waits. Nothing is stored; trying again later can help.
	ErrUnavailable = errors.New("the server could not take the commit")
	// ErrStateLost says that events of the meeting are stored which its state knows nothing of, not
	// even when it is rebuilt from all that are stored. Nothing was stored, because that would
	// store events twice. Trying again does not help; removing the meeting's events from the stream
	// does.
	ErrStateLost = errors.New("events are stored that the meeting's state does not know")
	// ErrTooLarge says that a state or an event does not fit into a message of the server.
	ErrTooLarge = errors.New("too large for a message")
	// ErrStopped says that the publisher's Run has ended. Nothing is stored.
	ErrStopped = errors.New("the publisher is stopped")
	// ErrServerTooOld says that a server can store nothing that Rollcall commits.
	ErrServerTooOld = fmt.Errorf("NATS server %s or newer is needed", oldest)
	// ErrStreamConfig says that the stream exists with a configuration that cannot be changed
	// without harm.
	ErrStreamConfig = errors.New("stream CONFERENCE has a configuration that Rollcall cannot work with")
)

// ServerError is an answer of the server with which it refused a commit or a read. Nothing was
// stored.
type ServerError struct {
	// Status is the class of the error as in HTTP, Code is JetStream's own number for it.
	Status, Code int
	Description  string
}

// Error implements error.
func (e *ServerError) Error() string {
	return fmt.Sprintf("the server refused: %s (%d/%d)", e.Description, e.Status, e.Code)
}
