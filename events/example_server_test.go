package events_test

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// standIn is a NATS server with the stream of Rollcall and nobody else.
type standIn struct {
	url    string
	dir    string
	server *server.Server
}

func rollcall() *standIn {
	dir, err := os.MkdirTemp("", "rollcall-example-")
	must(err)
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
	})
	must(err)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		log.Fatal("the NATS server does not start")
	}
	return &standIn{url: s.ClientURL(), dir: dir, server: s}
}

func (s *standIn) stop() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	must(os.RemoveAll(s.dir))
}

// publish stores three events of a meeting.
func (s *standIn) publish() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	nc, err := nats.Connect(s.url)
	must(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(err)
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: events.Stream, Subjects: []string{"conference.>"}})
	must(err)
	for _, e := range morning() {
		payload, err := events.Encode(e)
		must(err)
		_, err = js.Publish(ctx, string(e.Type), payload, jetstream.WithMsgID(e.ID))
		must(err)
	}
}

// morning is a meeting that Ann and Bob join at nine, and that Ann leaves.
func morning() []events.Event {
	nine := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	event := func(t events.Type, person, nick string, join, leave time.Time) events.Event {
		when, m := join, &events.Member{ConferenceID: "6321a", UnionID: person, UserNick: nick, JoinTime: join.UnixMilli()}
		m.AttendStatus, m.Reason, m.Via, m.Visit = 3, events.ReasonJoined, events.ViaPoll, 1
		if t != events.Joined {
			when, m.AttendStatus, m.Reason = leave, 6, events.ReasonLeft
			m.LeaveTime, m.Duration = leave.UnixMilli(), leave.Sub(join).Milliseconds()
		}
		return events.Event{
			ID: events.MemberID("6321a", person, m.JoinTime, t), Source: events.Source("", "6321a"), Type: t,
			Subject: person, Time: when, RecordedTime: when.Add(time.Second), Member: m,
		}
	}
	list := []events.Event{
		event(events.Joined, "u1", "Ann", nine, time.Time{}),
		event(events.Joined, "u2", "Bob", nine.Add(5*time.Second), time.Time{}),
		event(events.Left, "u1", "Ann", nine, nine.Add(20*time.Minute)),
	}
	for i, active := range []int{1, 2, 1} {
		list[i].Sequence, list[i].Member.ActiveCount = uint64(i+1), active
	}
	return list
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
