package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// phase brings a service to where it is to be stopped.
type phase func(t *testing.T, sim *simulator.Simulator, s config.Settings) *running

var phases = map[string]phase{
	"at once":                          func(t *testing.T, _ *simulator.Simulator, s config.Settings) *running { return start(t, s) },
	"while NATS refuses":               natsRefuses,
	"while NATS is silent":             natsIsSilent,
	"while NATS does not answer":       natsDoesNotAnswer,
	"while the token hangs":            calling(fault.ClassToken, &fault.Fault{Kind: fault.Hang}),
	"while the list of meetings hangs": calling(fault.ClassOrg, &fault.Fault{Kind: fault.Hang}),
	"while a member list hangs":        calling(fault.ClassMembers, &fault.Fault{Kind: fault.Hang}),
	"while DingTalk throttles":         calling(fault.ClassOrg, &fault.Fault{Kind: fault.QPSApp, RetryAfter: 60}),
	"while the rate allows nothing": func(t *testing.T, sim *simulator.Simulator, s config.Settings) *running {
		s.DingTalk.Rate = 0.001
		return calling(fault.ClassToken, nil)(t, sim, s) // a token is got before the rate is waited for
	},
	"while a request hangs": requestHangs,
}

// The service stops within 10 s whatever it is doing; stop measures it.
func TestStopInEveryPhase(t *testing.T) {
	t.Parallel()
	for name, begin := range phases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, api := simulate(t, strings.Replace(office, "unlisted: true, ", "", 1))
			s := settings(t, api)
			s.Polling.DiscoveryInterval = 10 * time.Millisecond
			assert.NoError(t, begin(t, sim, s).stop())
		})
	}
}

// calling waits until calls of a class are made, and go wrong if there is a fault.
func calling(class fault.Class, wrong *fault.Fault) phase {
	return func(t *testing.T, sim *simulator.Simulator, s config.Settings) *running {
		t.Helper()
		if wrong != nil {
			f := *wrong
			f.Calls = []fault.Class{class}
			_, err := sim.AddFaults(f)
			require.NoError(t, err)
		}
		r := start(t, s)
		r.eventually("/readyz", http.StatusOK, "") // be it degraded already
		calledMore(t, sim, class, 0)
		return r
	}
}

// calledMore waits until there were more calls of a class.
func calledMore(t *testing.T, sim *simulator.Simulator, class fault.Class, than uint64) {
	t.Helper()
	require.Eventually(t, func() bool { return sim.Stats().Classes[class].Calls > than }, patience, time.Millisecond)
}

func natsRefuses(t *testing.T, _ *simulator.Simulator, s config.Settings) *running {
	t.Helper()
	r := start(t, external(s, string(freeAddress(t))))
	r.eventually("/readyz", http.StatusServiceUnavailable, "no servers")
	return r
}

// natsIsSilent is a server that takes connections and says nothing.
func natsIsSilent(t *testing.T, _ *simulator.Simulator, s config.Settings) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	r := start(t, external(s, ln.Addr().String()))
	r.eventually("/readyz", http.StatusServiceUnavailable, "not ready")
	return r
}

// natsDoesNotAnswer is a server that begins to look at the stream and then says nothing more.
func natsDoesNotAnswer(t *testing.T, _ *simulator.Simulator, s config.Settings) *running {
	t.Helper()
	proxy := faultproxy.Start(t, broker(t, nil).Addr().String())
	asked := make(chan struct{}, 1)
	proxy.ToServer(func(data []byte) []byte {
		if !bytes.Contains(data, []byte("$JS.API")) {
			return data
		}
		select {
		case asked <- struct{}{}:
		default:
		}
		return nil
	})
	r := start(t, external(s, proxy.Addr()))
	<-asked
	return r
}

func requestHangs(t *testing.T, sim *simulator.Simulator, s config.Settings) *running {
	t.Helper()
	s.Polling.DiscoveryInterval = 0
	s.Polling.MinInterval, s.Polling.MaxInterval = time.Hour, time.Hour
	r := start(t, s)
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, "lastLook")
	before := sim.Stats().Classes[fault.ClassMembers].Calls
	_, err := sim.AddFaults(fault.Fault{Kind: fault.Hang, Calls: []fault.Class{fault.ClassMembers}})
	require.NoError(t, err)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r.do(http.MethodDelete, "/v1/meetings/office", "")
	}()
	t.Cleanup(func() { <-gone })
	calledMore(t, sim, fault.ClassMembers, before)
	return r
}

func TestStopWhileACommitIsNotAnswered(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	proxy := faultproxy.Start(t, broker(t, nil).Addr().String())
	r := start(t, external(settings(t, api), proxy.Addr()))
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
	proxy.ToClient(faultproxy.Swallow)
	sent := make(chan struct{}, 1)
	proxy.ToServer(func(data []byte) []byte {
		if bytes.Contains(data, []byte("Nats-Batch-Commit")) {
			select {
			case sent <- struct{}{}:
			default:
			}
		}
		return data
	})
	do(t, sim, join("bob"))
	<-sent
	assert.NoError(t, r.stop())
}

// What was promised is stored, even when the service is told to stop at the same moment.
func TestStopWhileMeetingsAreBegunToBeWatched(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	_, err := sim.AddFaults(fault.Fault{ // or the meetings, which there are not, would be over within seconds
		Kind: fault.SystemError, Calls: []fault.Class{fault.ClassMembers, fault.ClassInfo},
	})
	require.NoError(t, err)
	s := settings(t, api)
	r := start(t, s)
	r.ready()
	var mu sync.Mutex
	promised := map[string]bool{}
	var clients sync.WaitGroup
	enough := make(chan struct{})
	for c := range 8 {
		clients.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("m-%d-%d", c, i)
				status, _ := r.do(http.MethodPut, "/v1/meetings/"+id, "")
				if status == 0 {
					return // the service is gone
				}
				if status != http.StatusCreated {
					assert.Equal(t, http.StatusServiceUnavailable, status)
					continue
				}
				mu.Lock()
				promised[id] = true
				if len(promised) == 50 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	require.NoError(t, r.stop())
	clients.Wait()

	again := start(t, s)
	for id := range promised {
		again.eventually("/v1/meetings", http.StatusOK, `"`+id+`"`)
	}
}

// A request that is under way when the service is told to stop gets what it asked for, though it
// has everything before it, and what it sees on the way is stored.
func TestStopLetsRequestsStore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method string
		at     string // what is sent to NATS when the service is told to stop
		status int
		stored []string
	}{
		"a meeting is watched":  {http.MethodPut, ".office", http.StatusCreated, nil},
		"a meeting is given up": {http.MethodDelete, "conference.member.joined", http.StatusNoContent, []string{"1 joined Ann", "2 joined Bob"}},
	} {
		t.Run(name, func(t *testing.T) {
			sim, api := simulate(t, office)
			nats := broker(t, nil)
			proxy := faultproxy.Start(t, nats.Addr().String())
			s := external(settings(t, api), proxy.Addr())
			s.Polling.MinInterval, s.Polling.MaxInterval = time.Hour, time.Hour
			r := start(t, s)
			r.ready()
			if test.method == http.MethodDelete {
				status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
				require.Equal(t, http.StatusCreated, status)
				r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
				do(t, sim, join("bob"))
			}
			assert.Equal(t, test.status, stopDuring(t, r, proxy, test.at, func() int {
				status, _ := r.do(test.method, "/v1/meetings/office", "")
				return status
			}))
			if test.stored != nil {
				assert.Equal(t, test.stored, told(t, "nats://"+nats.Addr().String()))
				assert.NotContains(t, r.log.String(), "last look failed")
			}
		})
	}
}

// stopDuring makes a request, stops the service when that has the service send something to NATS,
// lets that through when no further requests are taken, and returns what the request returns.
func stopDuring(t *testing.T, r *running, proxy *faultproxy.Proxy, at string, request func() int) int {
	t.Helper()
	sent, goOn := make(chan struct{}), make(chan struct{})
	proxy.ToServer(func(data []byte) []byte {
		if bytes.Contains(data, []byte(at)) {
			proxy.ToServer(nil)
			close(sent)
			<-goOn
		}
		return data
	})
	status := make(chan int, 1)
	go func() { status <- request() }()
	<-sent
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	require.Eventually(t, func() bool {
		return !port.Taken(strings.TrimPrefix(r.base, "http://"))
	}, patience, time.Millisecond, "new requests are refused")
	close(goOn)
	defer func() { assert.NoError(t, <-stopped) }()
	return <-status
}

// What is cut short by the stop is no failure that anybody has to know of. No other test runs
// beside this one, which would make the machine slow, of which the service warns.
func TestStopIsQuiet(t *testing.T) {
	sim, api := simulate(t, office)
	for range 10 {
		s := settings(t, api)
		r := start(t, s)
		r.ready()
		status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
		require.Equal(t, http.StatusCreated, status)
		r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
		do(t, sim, join("bob"))
		before := len(r.log.String()) // a slow machine is warned of
		require.NoError(t, r.stop())
		do(t, sim, leave("bob"))
		assert.NotContains(t, r.log.String()[before:], `"level":"WARN"`)
	}
}

func TestUntilStop(t *testing.T) {
	t.Parallel()
	text := &log{}
	ctx, cancel := context.WithCancel(t.Context())
	r := untilStop{ctx, logging.NewChanges(slog.New(slog.NewTextHandler(text, nil)), logging.ChangesOptions{})}
	r.Failed("nats", errors.New("connection refused"))
	r.OK("nats")
	before := text.String()
	assert.Contains(t, before, "connection refused")
	assert.Contains(t, before, "works again")
	cancel()
	r.Failed("nats", ctx.Err())
	assert.Equal(t, before, text.String())
}
