package publisher

import (
	"context"
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
)

// What ends the wait for an answer, or keeps it from beginning.
var (
	errNotConnected error = &unreachable{"not connected to the NATS server", nats.ErrReconnectBufExceeded}
	errDisconnected error = &unreachable{"not connected to the NATS server: the connection was lost", nil}
	errNoAnswer     error = &unreachable{"the NATS server does not answer", nil}
)

// unreachable is an error that says no more than that the server cannot be reached. Which one it is
// differs during one outage.
type unreachable struct {
	text  string
	cause error
}

func (e *unreachable) Error() string { return e.text }
func (e *unreachable) Unwrap() error { return e.cause }

// Unreachable says so to packages that do not import this one.
func (e *unreachable) Unreachable() bool { return true }

// plainly returns err in plain words: of a lost connection the client library says that a buffer is
// full, as it would keep what is sent until it is connected again.
func plainly(err error) error {
	if errors.Is(err, nats.ErrReconnectBufExceeded) {
		return errNotConnected
	}
	return err
}

// The codes of JetStream errors that mean something to a publisher.
const (
	codeAccountExceeded = 10002 // resource limits exceeded for account
	codeInsufficient    = 10023 // insufficient resources: the server's own limits are reached
	codeMemoryExceeded  = 10028
	codeNoMessage       = 10037 // no message found
	codeStorageExceeded = 10047
	codeNoStream        = 10059 // stream not found
	codeNoSequence      = 10043 // sequence not found
	codeWrongLast       = 10071 // wrong last sequence: somebody else was first
	// Whatever kept a message from being stored; the description says what.
	codeStoreFailed       = 10077
	codeRollupFailed      = 10111 // rollup not permitted
	codeDuplicateInFlight = 10158 // a message of this id is being stored
	codeLastNotReady      = 10163 // expected last sequence per subject temporarily unavailable
	codeWrongLastConstant = 10164 // wrong last sequence, as clustered streams say it
	codeTooManyRequests   = 10167
	codeIncomplete        = 10176 // batch is incomplete: given up by the server, or never begun
	codeTooLarge          = 10199 // more messages than a batch may have
	codeDuplicate         = 10201 // a message of this id is stored, or twice in the batch
	codeTooManyInflight   = 10210 // too many open batches
)

// apiError is an error as JetStream's API gives it.
type apiError struct {
	Status      int    `json:"code"`
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) err() *ServerError {
	return &ServerError{Status: e.Status, Code: e.Code, Description: e.Description}
}

// request sends msg and waits for the answer, until ctx ends, the time for an answer is over, or
// the connection is lost: then no answer comes any more.
func (p *Publisher) request(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timed, done := context.WithTimeoutCause(waiting, p.opts.AckTimeout, errNoAnswer)
	defer done()
	stop := context.AfterFunc(p.link.current(), func() { cancel(errDisconnected) })
	defer stop()
	reply, err := p.nc.RequestMsgWithContext(timed, msg)
	if err != nil && timed.Err() != nil {
		return nil, context.Cause(timed)
	}
	return reply, plainly(err)
}

// link ends a context when the connection is lost, so that no answer is waited for that cannot
// come.
type link struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
}

// current returns a context that ends when the connection as it is now is lost.
func (l *link) current() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancel(context.Background())
	}
	return l.ctx
}

// lost ends the current context; the next one is for the next connection.
func (l *link) lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
	l.ctx, l.cancel = nil, nil
}

// watch reports to the link until the returned function is called, which waits for its goroutine to
// end.
func (p *Publisher) watch() (stop func()) {
	ch := p.nc.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range ch {
			p.link.lost()
			p.failed(errNotConnected)
		}
	}()
	return func() {
		p.nc.RemoveStatusListener(ch)
		<-done
	}
}
