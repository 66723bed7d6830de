package scale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// settled is how long no look is made before a process counts as at rest: longer than the time
// between the information calls that were planned while there was no want of calls.
const settled = 40 * time.Second

// open starts the NATS server and a publisher. The returned function stops both.
func open(ctx context.Context) (*publisher.Publisher, func() error, error) {
	server, err := embedded.Start(ctx, embedded.Options{StoreDir: os.Getenv(directory), Listen: "127.0.0.1:0"})
	if err != nil {
		return nil, nil, err
	}
	conn, err := nats.Connect(server.ClientURL(), append(server.InProcess(), nats.ReconnectBufSize(-1))...)
	if err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	p, err := publisher.Open(ctx, conn, publisher.Options{Retention: 720 * time.Hour})
	if err != nil {
		conn.Close()
		return nil, nil, errors.Join(err, server.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return p, func() error {
		cancel()
		err := <-ended
		conn.Close()
		return errors.Join(err, server.Close())
	}, nil
}

func meetingID(i int) string { return fmt.Sprintf("conference-%020d", i) }

// rows are the people in a meeting.
func rows(id string) []diff.Row {
	out := make([]diff.Row, people)
	for i := range out {
		out[i] = diff.Row{
			UnionID: fmt.Sprintf("%s%02diEiE", id[len(id)-22:], i), UserNick: "王小明" + strconv.Itoa(i),
			JoinTime: 1_700_000_000_000 + int64(i), Status: diff.StatusActive,
		}
	}
	return out
}

// fill stores the states of meetings that go on. The events that led to them are left out.
func fill(ctx context.Context, meetings int) error {
	p, stop, err := open(ctx)
	if err != nil {
		return err
	}
	at := time.Now().UnixMilli()
	var all errgroup.Group
	all.SetLimit(256)
	for i := range meetings {
		all.Go(func() error {
			base, id := diff.New(meetingID(i)), meetingID(i)
			base.Title, base.CreatorID, base.CreatorNick = "Weekly meeting of the team", "aaaaaaaaaaaaaaaaaaaaaiEiE", "王小明"
			began := diff.Start{At: at}.Apply(base).State
			s := *diff.Compare(began, diff.Snapshot{From: at, At: at, Rows: rows(id)}).State
			s.Sequence = 0
			_, err := p.Commit(ctx, diff.Record{State: base}, diff.Result{State: &s, Changed: true})
			return err
		})
	}
	return errors.Join(all.Wait(), stop())
}

// upstream answers at once that nothing has happened. Once every meeting was looked at it allows
// for next to no calls.
type upstream struct {
	began   time.Time
	left    atomic.Int64
	first   atomic.Int64  // when the first look came, in nanoseconds
	reached chan struct{} // closed when every meeting was looked at
}

// Members implements [poller.Source].
func (u *upstream) Members(_ context.Context, id string) (poller.List, error) {
	u.first.CompareAndSwap(0, int64(time.Since(u.began)))
	if u.left.Add(-1) == 0 {
		close(u.reached)
	}
	return poller.List{Rows: rows(id), Certain: true}, nil
}

// Info implements [poller.Source].
func (u *upstream) Info(context.Context, string) (poller.Info, error) {
	return poller.Info{ActiveCount: people}, nil
}

// rate is how many calls a second may be made.
func (u *upstream) rate() float64 {
	if u.left.Load() > 0 {
		return 1e6
	}
	return 1e-6
}

// watch watches what is stored, and writes the figures.
func watch(ctx context.Context, meetings int) error {
	debug.SetGCPercent(50) // as rollcall serve does
	u := &upstream{began: time.Now(), reached: make(chan struct{})}
	u.left.Store(int64(meetings))
	store, stop, err := open(ctx)
	if err != nil {
		return err
	}
	f := figures{Looks: meetings, Started: time.Since(u.began)}
	p, err := poller.New(u, store, poller.Options{MinInterval: time.Minute, Rate: u.rate})
	if err != nil {
		return errors.Join(err, stop())
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(running) }()
	<-p.Ready()
	f.Ready, f.ReadyCPU = time.Since(u.began), cpu()
	<-u.reached
	f.AllLooked, f.FirstLook = time.Since(u.began), time.Duration(u.first.Load())
	if err := f.rest(p); err != nil {
		return err
	}
	cancel()
	if err := errors.Join(<-ended, stop()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// rest measures what the process takes while nothing happens.
func (f *figures) rest(p *poller.Poller) error {
	length, err := time.ParseDuration(os.Getenv(rest))
	if err != nil {
		return err
	}
	if f.Peak, err = status("VmHWM"); err != nil {
		return err
	}
	for looks, since := p.Counts().Looks, time.Now(); time.Since(since) < min(settled, length); time.Sleep(time.Second / 10) {
		if now := p.Counts().Looks; now != looks {
			looks, since = now, time.Now()
		}
	}
	before, began, looks := cpu(), time.Now(), p.Counts().Looks
	time.Sleep(length)
	f.LooksAtRest = int(p.Counts().Looks - looks)
	f.Idle = (cpu() - before).Seconds() / time.Since(began).Seconds()
	if f.Resident, err = status("VmRSS"); err != nil {
		return err
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	f.Heap = m.HeapAlloc
	return nil
}

// cpu is the time this process has used.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // nothing it could not know of itself
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// status is what the system knows of this process, in KiB.
func status(field string) (int, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strconv.Atoi(strings.Fields(value)[0])
		}
	}
	return 0, fmt.Errorf("no %s in /proc/self/status", field)
}
