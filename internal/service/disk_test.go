//go:build linux

package service

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

// TestDiskThatIsFull is about the embedded server: it is said before nothing can be stored, and
// from the first thing that cannot be until something can. A meeting that ends meanwhile is stored
// to its end when there is room.
func TestDiskThatIsFull(t *testing.T) {
	t.Parallel()
	for _, left := range []int64{0, 12 << 10} {
		t.Run(fmt.Sprint(left), func(t *testing.T) {
			t.Parallel()
			disk := disk.Small(t, 64<<20)
			sim, api := simulate(t, office)
			s := settings(t, api)
			s.Store.DataDir = filepath.Join(disk.Dir, "data")
			reserve, err := config.ParseReserve("8MiB")
			require.NoError(t, err)
			s.Store.DiskReserve = reserve
			r := start(t, s)
			natsURL := r.ready()
			status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
			require.Equal(t, http.StatusCreated, status)
			r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

			disk.Fill(t, 4<<20)
			body := r.eventually("/readyz", http.StatusOK, "[-] disk: "+s.Store.DataDir)
			assert.Contains(t, body, "degraded")
			assert.Contains(t, body, "less than the reserve of 8MiB: make room")

			disk.Fill(t, left)
			do(t, sim, join("bob"))
			r.eventually("/readyz", http.StatusServiceUnavailable, "[-] nats: ")
			r.eventually("/readyz", http.StatusServiceUnavailable, s.Store.DataDir+": the disk is full: make room")
			assert.Contains(t, r.refuses("other"), "the disk is full")
			do(t, sim, leave("bob"), history.LiveAction{Do: history.End})
			r.stays(http.StatusServiceUnavailable, 4*time.Second)
			disk.Free(t)
			r.eventually("/readyz", http.StatusOK, "ready")
			r.eventually("/v1/meetings/office", http.StatusOK, `"state":"ended"`)
			r.eventually("/readyz?verbose", http.StatusOK, "[+] disk ok")
			r.toldOnce()
			assert.Equal(t, 1, strings.Count(r.log.String(), "the disk has little room left"))
			assert.Contains(t, r.log.String(), s.Store.DataDir+": the disk is full")
			assert.Equal(t, natsURL, r.nats)
			assert.Equal(t, []string{"1 joined Ann", "2 joined Bob", "3 left Bob", "4 left Ann"}, told(t, natsURL))
		})
	}
}
