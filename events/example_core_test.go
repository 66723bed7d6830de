package events_test

import (
	"fmt"
	"log"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/nats-io/nats.go"
)

// A core subscriber hears what happens while it listens, each event at most once.
func Example_coreSubscriber() {
	server := rollcall() // stands in for a running Rollcall
	defer server.stop()

	nc, err := nats.Connect(server.url)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync(events.AllMembers)
	if err != nil {
		log.Fatal(err)
	}
	if err := nc.Flush(); err != nil { // from here on nothing is missed
		log.Fatal(err)
	}

	server.publish()
	for range 3 {
		msg, err := sub.NextMsg(5 * time.Second)
		if err != nil {
			log.Fatal(err)
		}
		e, err := events.Decode(msg.Data)
		if err != nil {
			log.Printf("skipped: %v", err)
			continue
		}
		fmt.Println(e.Time.Format("15:04:05"), e.Member.UserNick, e.Member.Reason)
	}
	// Output:
	// 09:00:00 Ann joined
	// 09:00:05 Bob joined
	// 09:20:00 Ann left
}
