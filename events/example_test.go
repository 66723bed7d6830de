package events_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/c4342123/rollcall/events"
)

func ExampleDecode() {
	e, err := events.Decode([]byte(`{
		"specversion": "1.0",
		"id": "80537f1f-7743-53f1-881d-949836badca8",
		"source": "/dingtalk/default/conferences/6321a",
		"type": "conference.member.joined",
		"subject": "2iPOw",
		"time": "2023-11-14T22:13:20.123Z",
		"recordedtime": "2023-11-14T22:13:21.623Z",
		"sequence": "0000000001",
		"data": {"conferenceId": "6321a", "unionId": "2iPOw", "userNick": "Ann", "reason": "joined", "activeCount": 1}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.Type, e.Sequence, e.Time)
	fmt.Println(e.Member.UserNick, e.Member.Reason)

	_, err = events.Decode([]byte(`{"hello": "world"}`))
	fmt.Println(errors.Is(err, events.ErrNotRollcall))
	// Output:
	// conference.member.joined 1 2023-11-14 22:13:20.123 +0000 UTC
	// Ann joined
	// true
}

func ExampleRoster() {
	roster := events.NewRoster("m1")
	for _, e := range visits() { // the meeting's events, in the order of the stream
		if err := roster.Apply(e); err != nil {
			log.Fatal(err)
		}
	}
	for _, a := range roster.Attendances() {
		if a.Leave > 0 {
			fmt.Println(a.UserNick, "was there from", a.Join, "to", a.Leave, "and", a.Reason)
		}
	}
	for _, a := range roster.Present() {
		fmt.Println(a.UserNick, "is there since", a.Join, "on visit", a.Visit)
	}
	// Output:
	// ann was there from 100 to 120 and left
	// bob was there from 110 to 140 and kicked
	// cat was there from 150 to 160 and vanished
	// ann is there since 130 on visit 2
}
