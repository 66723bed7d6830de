package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// target is a service in a process of its own that pushes are sent to. Its looks are so rare that
// everything it stores comes from pushes; those there are see the same as the pushes say.
type target struct {
	b       *testing.B
	sim     *simulator.Simulator
	url     string
	cipher  *callback.Cipher
	client  *http.Client
	process *process
	nc      *nats.Conn
	joined  atomic.Uint64
}

func newTarget(b *testing.B, meetings int) *target {
	keys := callback.Keys{Token: "bench", AESKey: "1234567890123456789012345678901234567890123", OwnerKey: "bench"}
	cipher, err := callback.NewCipher(keys)
	require.NoError(b, err)
	var plan []history.Plan
	for i := range meetings {
		plan = append(plan, history.Plan{ID: meetingID(i)})
	}
	sim, err := simulator.New(simulator.Options{Scenario: &simulator.Scenario{Name: "bench", Meetings: plan}})
	require.NoError(b, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- sim.Serve(ctx, ln) }()
	b.Cleanup(func() { cancel(); <-served })

	t := &target{b: b, sim: sim, cipher: cipher, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	httpAddr, hookAddr, natsAddr := port.Free(b), port.Free(b), port.Free(b)
	t.url = "http://" + hookAddr + "/webhooks/dingtalk"
	settings := sim.Settings()
	t.process = newProcess(b, "service", []string{
		"ROLLCALL_DINGTALK_URL=http://" + ln.Addr().String(), "ROLLCALL_DINGTALK_APP_KEY=" + settings.AppKey,
		"ROLLCALL_DINGTALK_APP_SECRET=" + settings.AppSecret, "ROLLCALL_DINGTALK_RATE=200", "ROLLCALL_DINGTALK_MONTHLY_CALLS=0",
		"ROLLCALL_POLL_MIN_INTERVAL=5m", "ROLLCALL_POLL_MAX_INTERVAL=5m", "ROLLCALL_DISCOVERY_INTERVAL=5m",
		"ROLLCALL_WEBHOOK_TOKEN=" + keys.Token, "ROLLCALL_WEBHOOK_AES_KEY=" + keys.AESKey,
		"ROLLCALL_WEBHOOK_OWNER_KEY=" + keys.OwnerKey,
	}, theProgram(), "serve", "--listen", httpAddr, "--webhook-listen", hookAddr, "--embedded-listen", natsAddr, "--data-dir", b.TempDir())
	t.process.start()
	t.nc, err = nats.Connect("nats://"+natsAddr, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(b, err)
	b.Cleanup(t.nc.Close)
	t.await(meetings)
	return t
}

func meetingID(i int) string { return "m" + strconv.Itoa(i) }

// await waits until the service watches all the meetings and has looked at each.
func (t *target) await(meetings int) {
	js, err := jetstream.New(t.nc)
	require.NoError(t.b, err)
	require.Eventually(t.b, func() bool {
		ctx, cancel := context.WithTimeout(t.b.Context(), time.Second)
		defer cancel()
		stream, err := js.Stream(ctx, events.Stream)
		if err != nil {
			return false
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(string(events.MeetingStarted)))
		return err == nil && info.State.Subjects[string(events.MeetingStarted)] == uint64(meetings)
	}, patience, 20*time.Millisecond)
}

// push sends a join as DingTalk does and returns the status of the answer.
func (t *target) push(meeting, who string) int {
	done, _, err := t.sim.Do(meeting, history.LiveAction{Do: history.Join, Person: who, UnionID: who, Nick: who})
	require.NoError(t.b, err)
	now := done[0].At
	body, err := json.Marshal(map[string]any{
		"EventType": "meeting_member_status_change", "EventTime": now, "eventId": who, "changeScene": "user_join",
		"openMemberModels": []map[string]any{{
			"userId": who, "userNick": who, "conferenceId": meeting, "joinTime": now, "attendStatus": 3,
		}},
	})
	require.NoError(t.b, err)
	encrypted := t.cipher.Encrypt(body)
	timestamp := strconv.FormatInt(now, 10)
	payload, err := json.Marshal(map[string]string{"encrypt": encrypted})
	require.NoError(t.b, err)
	resp, err := t.client.Post(fmt.Sprintf("%s?msg_signature=%s&timestamp=%s&nonce=n", t.url, t.cipher.Sign(timestamp, "n", encrypted), timestamp),
		"application/json", bytes.NewReader(payload))
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// resident is the memory of the service, in MB; 0 where the system does not tell.
func (t *target) resident() float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.process.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

func percentile(times []time.Duration, share float64) float64 {
	slices.Sort(times)
	return float64(times[min(int(share*float64(len(times))), len(times)-1)].Microseconds()) / 1000
}

// BenchmarkPushToSubscriber measures from sending a push to the event at a core subscriber, one
// after the other.
func BenchmarkPushToSubscriber(b *testing.B) {
	t := newTarget(b, 1)
	got := make(chan *nats.Msg, 16)
	sub, err := t.nc.ChanSubscribe(string(events.Joined), got)
	require.NoError(b, err)
	defer func() { _ = sub.Unsubscribe() }()
	require.NoError(b, t.nc.Flush())
	var times []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		require.Equal(b, http.StatusOK, t.push(meetingID(0), "u"+strconv.Itoa(i)))
		select {
		case <-got:
			times = append(times, time.Since(began))
		case <-time.After(patience):
			b.Fatal("no event")
		}
	}
	b.ReportMetric(percentile(times, 0.5), "p50-ms")
	b.ReportMetric(percentile(times, 0.99), "p99-ms")
}

// BenchmarkWebhookLoad sends 1,000 pushes a second for ten seconds, each iteration, and counts what
// is lost.
func BenchmarkWebhookLoad(b *testing.B) {
	const perSecond, seconds, meetings = 1000, 10, 200
	t := newTarget(b, meetings)
	_, err := t.nc.Subscribe(string(events.Joined), func(*nats.Msg) { t.joined.Add(1) })
	require.NoError(b, err)
	require.NoError(b, t.nc.Flush())
	before, round := t.resident(), 0
	var times []time.Duration
	var refused int
	for b.Loop() {
		taken, no := t.load(perSecond, perSecond*seconds, meetings, round)
		times, refused = append(times, taken...), refused+no
		round++
	}
	sent := uint64(round * perSecond * seconds)
	require.Eventually(b, func() bool { return t.joined.Load() >= sent-uint64(refused) }, patience, 10*time.Millisecond)
	b.ReportMetric(float64(sent-t.joined.Load()), "lost")
	b.ReportMetric(float64(refused), "refused")
	b.ReportMetric(percentile(times, 0.5), "p50-ms")
	b.ReportMetric(percentile(times, 0.99), "p99-ms")
	b.ReportMetric(before, "MB-before")
	b.ReportMetric(t.resident(), "MB-after")
}

// load sends pushes at a rate, each in its time whether or not the ones before have been answered.
func (t *target) load(perSecond, count, meetings, round int) (times []time.Duration, refused int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for i := range count {
		<-tick.C
		all.Go(func() {
			began := time.Now()
			status := t.push(meetingID(i%meetings), fmt.Sprintf("u%d-%d", round, i))
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(began))
			if status != http.StatusOK {
				refused++
			}
		})
	}
	all.Wait()
	return times, refused
}
