package publisher

import (
	"log/slog"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

func TestOldServerIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.12.7", "2.12.0", "2.12", "2.12.8-RC.1", "2.11.9", "2.9.25", "1.4.1", "2.11.99-RC.1"} {
		nc := connect(t, natstest.Says(t, version))
		for _, err := range openAndInspect(t, nc) {
			require.ErrorIs(t, err, ErrServerTooOld)
			assert.ErrorContains(t, err, `server "oldie" at 127.0.0.1:`)
			assert.ErrorContains(t, err, " is "+version)
			assert.ErrorContains(t, err, "NATS server 2.12.8 or newer is needed")
		}
	}
	for _, version := range []string{"latest", "", "2"} {
		for _, err := range openAndInspect(t, connect(t, natstest.Says(t, version))) {
			require.ErrorIs(t, err, ErrServerTooOld, "trying again does not help")
			assert.ErrorContains(t, err, `"`+version+`" as its version`)
		}
	}
}

// TestRealOldServersAreRefused needs some, see package testnats.
func TestRealOldServersAreRefused(t *testing.T) {
	t.Parallel()
	for _, binary := range natstest.TooOld() {
		t.Run(binary, func(t *testing.T) {
			s := natstest.Start(t, binary, &server.Options{StoreDir: disk.Fast(t)})
			nc := connect(t, s.ClientURL())
			for _, err := range openAndInspect(t, nc) {
				require.ErrorIs(t, err, ErrServerTooOld)
				assert.ErrorContains(t, err, nc.ConnectedServerVersion())
			}
			js, err := jetstream.New(nc)
			require.NoError(t, err)
			_, err = js.Stream(t.Context(), events.Stream)
			require.ErrorIs(t, err, jetstream.ErrStreamNotFound, "nothing is touched")
		})
	}
}

// openAndInspect returns what both say.
func openAndInspect(t *testing.T, nc *nats.Conn) []error {
	t.Helper()
	_, opened := Open(t.Context(), nc, Options{})
	_, inspected := Inspect(t.Context(), nc, 1)
	return []error{opened, inspected}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	type verdict struct{ refused, warned bool }
	for s, want := range map[string]verdict{
		"2.12.7":             {refused: true, warned: true},
		"2.12.8-RC.2":        {refused: true, warned: true},
		"2.12.8":             {warned: true},
		"v2.12.8+oem.1":      {warned: true},
		"2.12.8.1":           {warned: true},
		"2.12.10":            {warned: true},
		"2.13-dev":           {warned: true},
		"2.14.5":             {warned: true},
		"2.14.6-RC.1":        {warned: true},
		"2.14.6beta":         {warned: true},
		"2.14.6":             {},
		"2.14.10":            {},
		"2.15":               {},
		"2.15.0-preview.1":   {},
		"2.16.0-dev":         {},
		"v3.0":               {},
		"10.0.0":             {},
		"":                   {refused: true},
		"2":                  {refused: true},
		"x.y":                {refused: true},
		"2.":                 {refused: true},
		".1":                 {refused: true},
		"2.99999999999999.0": {refused: true},
	} {
		p := peer{"n", "at home", s}
		assert.Equal(t, want.refused, p.check() != nil, "%q is refused", s)
		if _, ok := parseVersion(s); ok {
			assert.Equal(t, want.warned, p.warning() != "", "%q is warned of", s)
		}
	}
}

func TestForgetfulServerIsWarnedOf(t *testing.T) {
	t.Parallel()
	proxy := natstest.Masked(t, startEmbedded(t, disk.Fast(t)).ClientURL(), "2.14.5")
	nc := connect(t, "nats://"+proxy.Addr())
	const says = "is 2.14.5: what it acknowledged can be lost at a power cut, even with sync_interval: always; NATS server 2.14.6 or newer keeps it"
	inspected, err := Inspect(t.Context(), nc, 1)
	require.NoError(t, err)
	require.Len(t, inspected.Warnings, 1)
	assert.Contains(t, inspected.Warnings[0], says)

	var log logbuffer.Buffer
	open(t, nc, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	assert.Contains(t, log.String(), says)
	inspected, err = Inspect(t.Context(), nc, 1)
	require.NoError(t, err)
	assert.Len(t, inspected.Warnings, 1, "with a stream, too")
}

// TestOldServerAmongOthersIsRefused gives one server that keeps a copy of the stream, but neither
// leads it nor is connected to, another version.
func TestOldServerAmongOthersIsRefused(t *testing.T) {
	t.Parallel()
	servers := cluster(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })
	direct := connect(t, servers[0].ClientURL())
	p := openInTime(t, direct)
	st, err := p.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	leader := st.CachedInfo().Cluster.Leader
	for _, s := range servers[1:] {
		if s.Name() == leader {
			continue
		}
		proxy := natstest.Masked(t, s.ClientURL(), "2.12.7")
		nc := connect(t, servers[0].ClientURL()+",nats://"+proxy.Addr(), nats.DontRandomize())
		require.Equal(t, servers[0].Name(), nc.ConnectedServerName())
		for _, err := range openAndInspect(t, nc) {
			require.ErrorIs(t, err, ErrServerTooOld)
			assert.ErrorContains(t, err, `server "`+s.Name()+`" at `+proxy.Addr()+" is 2.12.7")
		}
		return
	}
}
