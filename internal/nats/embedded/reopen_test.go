//go:build linux

package embedded

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/disk"
)

// batch publishes a batch of five messages and returns the server's answer.
func batch(t *testing.T, nc *nats.Conn, id int) (string, error) {
	t.Helper()
	const last = 5
	for n := 1; ; n++ {
		m := &nats.Msg{Subject: fmt.Sprint("kept.", n), Data: make([]byte, 700), Header: nats.Header{
			"Nats-Batch-Id": {fmt.Sprint("batch", id)}, "Nats-Batch-Sequence": {fmt.Sprint(n)},
		}}
		if n < last {
			require.NoError(t, nc.PublishMsg(m))
			continue
		}
		m.Header.Set("Nats-Batch-Commit", "1")
		reply, err := nc.RequestMsg(m, time.Second)
		if err != nil {
			return "", err
		}
		return string(reply.Data), nil
	}
}

// TestAServerWhoseDiskWasFullIsOpenedAgain: nats-server never stores again by itself what it could
// not write once. It is opened again in this process, at the same address; its clients come back,
// and no batch is there in part.
func TestAServerWhoseDiskWasFullIsOpenedAgain(t *testing.T) {
	t.Parallel()
	for _, left := range []int64{8 << 10, 12 << 10, 20 << 10, 28 << 10, 40 << 10} {
		t.Run(fmt.Sprint(left), func(t *testing.T) {
			disk := disk.Small(t, 64<<20)
			s := startServer(t, filepath.Join(disk.Dir, "data"))
			nc, err := nats.Connect("", append(s.InProcess(), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond))...)
			require.NoError(t, err)
			defer nc.Close()
			js, err := jetstream.New(nc)
			require.NoError(t, err)
			st, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept.>"}, AllowAtomicPublish: true})
			require.NoError(t, err)
			outside, err := nats.Connect(s.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond))
			require.NoError(t, err)
			defer outside.Close()
			require.NoError(t, s.Health())

			disk.Fill(t, left)
			for id := range 40 {
				if answer, err := batch(t, nc, id); err != nil || strings.HasPrefix(answer, `{"error"`) {
					break
				}
			}
			disk.Free(t)
			url := s.ClientURL()
			if err := s.Health(); err != nil {
				require.ErrorIs(t, err, ErrStuck)
				require.NoError(t, s.Reopen(t.Context()))
			}
			assert.Equal(t, url, s.ClientURL())
			require.Eventually(t, func() bool { return outside.FlushTimeout(time.Second) == nil }, time.Minute, time.Millisecond)
			require.Eventually(t, func() bool { return nc.FlushTimeout(time.Second) == nil }, time.Minute, time.Millisecond)
			answer, err := batch(t, nc, 100)
			require.NoError(t, err)
			assert.Contains(t, answer, `"count":5`)
			info, err := st.Info(t.Context())
			require.NoError(t, err)
			assert.Zero(t, info.State.Msgs%5, "whole batches")
			assert.NoError(t, s.Health())
		})
	}
}

func TestWhatIsClosedIsNotOpenedAgain(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Reopen(t.Context()), ErrClosed)
	require.ErrorIs(t, s.Health(), ErrStuck)
}

func TestSpace(t *testing.T) {
	t.Parallel()
	disk := disk.Small(t, 64<<20)
	s := startServer(t, disk.Dir)
	disk.Fill(t, 1<<20)
	free, total, err := s.Space()
	require.NoError(t, err)
	assert.InDelta(t, 1<<20, free, 1<<16)
	assert.InDelta(t, 64<<20, total, 1<<16)
}
