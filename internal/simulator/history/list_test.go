package history

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestListOverTime(t *testing.T) {
	type look struct {
		at   time.Duration
		want []string
	}
	tests := map[string]struct {
		scenario string
		looks    []look
		events   []string // after the last look
	}{
		"a visit": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s, to: 5s}]}]}]}`,
			[]look{
				{999 * time.Millisecond, []string{}},
				{time.Second, []string{"Ann 3 1 -"}},
				{4999 * time.Millisecond, []string{"Ann 3 1 -"}},
				{5 * time.Second, []string{"Ann 6 1 5"}},
			},
			[]string{"1 joined Ann 1 joined", "5 left Ann 1 left"},
		},
		"a rejoin resets the row": {
			`{meetings: [{id: m, rejoin: reset, people: [{nick: Ann, visits: [{from: 1s, to: 5s}, {from: 8s, to: 9s}]}]}]}`,
			[]look{
				{8 * time.Second, []string{"Ann 3 8 5"}},
				{10 * time.Second, []string{"Ann 6 8 9"}},
			},
			[]string{"1 joined Ann 1 joined until 8", "5 left Ann 1 left until 9", "8 joined Ann 2 rejoined", "9 left Ann 2 left"},
		},
		"a rejoin adds a row": {
			`{meetings: [{id: m, rejoin: add, people: [{nick: Ann, visits: [{from: 1s, to: 5s}, {from: 8s, to: 9s}]}]}]}`,
			[]look{
				{8 * time.Second, []string{"Ann 6 1 5", "Ann 3 8 -"}},
				{10 * time.Second, []string{"Ann 6 1 5", "Ann 6 8 9"}},
			},
			[]string{"1 joined Ann 1 joined", "5 left Ann 1 left", "8 joined Ann 2 rejoined", "9 left Ann 2 left"},
		},
		"a kick and a rejoin": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s, to: 5s, ends: kick}, {from: 8s}]}]}]}`,
			[]look{
				{5 * time.Second, []string{"Ann 5 1 5"}},
				{8 * time.Second, []string{"Ann 3 8 5"}},
			},
			[]string{"1 joined Ann 1 joined until 8", "5 kicked Ann 1 kicked until 8", "8 joined Ann 2 rejoined"},
		},
		"two devices are one attendance": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s, to: 5s}, {from: 3s, to: 9s, device: phone}]}]}]}`,
			[]look{
				{4 * time.Second, []string{"Ann 3 1 -", "Ann 3 3 -"}},
				{6 * time.Second, []string{"Ann 6 1 5", "Ann 3 3 -"}},
				{9 * time.Second, []string{"Ann 6 1 5", "Ann 6 3 9"}},
			},
			[]string{"1 joined Ann 1 joined", "9 left Ann 1 left"},
		},
		"two devices on one row": {
			`{meetings: [{id: m, deviceRows: one, people: [{nick: Ann, visits: [{from: 1s, to: 5s}, {from: 3s, to: 9s, device: phone}, {from: 11s}]}]}]}`,
			[]look{
				{4 * time.Second, []string{"Ann 3 1 -"}},
				{6 * time.Second, []string{"Ann 3 1 -"}},
				{9 * time.Second, []string{"Ann 6 1 9"}},
				{11 * time.Second, []string{"Ann 3 11 9"}},
			},
			[]string{"1 joined Ann 1 joined until 11", "9 left Ann 1 left", "11 joined Ann 2 rejoined"},
		},
		"a change of device in one moment keeps the attendance": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s, to: 5s}, {from: 5s, to: 9s, device: phone}]}]}]}`,
			[]look{{9 * time.Second, []string{"Ann 6 1 5.001", "Ann 6 5 9"}}},
			[]string{"1 joined Ann 1 joined", "9 left Ann 1 left"},
		},
		"a return in one moment is another attendance": {
			`{meetings: [{id: m, rejoin: add, people: [{nick: Ann, visits: [{from: 5s, to: 9s}, {from: 1s, to: 5s}]}]}]}`,
			[]look{{9 * time.Second, []string{"Ann 6 1 5", "Ann 6 5.001 9"}}},
			[]string{"1 joined Ann 1 joined", "5 left Ann 1 left", "5.001 joined Ann 2 rejoined", "9 left Ann 2 left"},
		},
		"invited, called, declined": {
			`{meetings: [{id: m, people: [{nick: Ann, calls: [{at: 1s, do: invite}, {at: 2s, do: call}, {at: 3s, do: decline}]}]}]}`,
			[]look{
				{time.Second, []string{"Ann 1 - -"}},
				{2 * time.Second, []string{"Ann 2 - -"}},
				{3 * time.Second, []string{"Ann 4 - -"}},
			},
			[]string{},
		},
		"called, then joins": {
			`{meetings: [{id: m, rejoin: add, people: [{nick: Ann, calls: [{at: 1s, do: call}], visits: [{from: 2s}]}]}]}`,
			[]look{{2 * time.Second, []string{"Ann 3 2 -"}}},
			[]string{"2 joined Ann 1 joined"},
		},
		"called again after a kick, row reset": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s, to: 2s, ends: kick}], calls: [{at: 4s, do: call}]}]}]}`,
			[]look{{4 * time.Second, []string{"Ann 2 1 2"}}},
			[]string{"1 joined Ann 1 joined", "2 kicked Ann 1 kicked until 4"},
		},
		"called again after leaving, row added": {
			`{meetings: [{id: m, rejoin: add, people: [{nick: Ann, visits: [{from: 1s, to: 2s}], calls: [{at: 4s, do: call}, {at: 5s, do: decline}]}]}]}`,
			[]look{{5 * time.Second, []string{"Ann 6 1 2", "Ann 4 - -"}}},
			[]string{"1 joined Ann 1 joined", "2 left Ann 1 left"},
		},
		"a lost connection": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s, to: 5s, ends: drop}, {from: 8s, to: 9s}]}]}]}`,
			[]look{
				{5 * time.Second, []string{"Ann 4 1 -"}},
				{8 * time.Second, []string{"Ann 3 8 -"}},
				{9 * time.Second, []string{"Ann 6 8 9"}},
			},
			[]string{"1 joined Ann 1 joined until 8", "5 left Ann 1 disconnected inferred", "8 joined Ann 2 rejoined", "9 left Ann 2 left"},
		},
		"a row that vanishes": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s, to: 5s, ends: vanish}]}, {nick: Bob, visits: [{from: 2s, to: 7s}]}]}]}`,
			[]look{
				{5 * time.Second, []string{"Bob 3 2 -"}},
				{7 * time.Second, []string{"Bob 6 2 7"}},
			},
			[]string{"1 joined Ann 1 joined until 5", "2 joined Bob 1 joined", "5 left Ann 1 vanished inferred", "7 left Bob 1 left"},
		},
		"the end closes the rows": {
			`{meetings: [{id: m, end: 9s, people: [{nick: Ann, visits: [{from: 1s}]}, {nick: Bob, visits: [{from: 2s, to: 9s}]}]}]}`,
			[]look{{9 * time.Second, []string{"Ann 6 1 9", "Bob 6 2 9"}}},
			[]string{"1 joined Ann 1 joined", "2 joined Bob 1 joined", "9 left Ann 1 left", "9 left Bob 1 left"},
		},
		"the end leaves the rows open": {
			`{meetings: [{id: m, end: 9s, atEnd: leave-open, people: [{nick: Ann, visits: [{from: 1s}]}]}]}`,
			[]look{{9 * time.Second, []string{"Ann 3 1 -"}}},
			[]string{"1 joined Ann 1 joined", "9 left Ann 1 meeting_ended"},
		},
		"every visit of a guest is a person": {
			`{meetings: [{id: m, rejoin: add, people: [{nick: Gil, guest: true, visits: [{from: 1s, to: 2s}, {from: 3s}]}, {id: other, nick: Gil, guest: true, visits: [{from: 1500ms}]}]}]}`,
			[]look{{3 * time.Second, []string{"Gil 6 1 2", "Gil 3 1.500 -", "Gil 3 3 -"}}},
			[]string{"1 joined Gil 1 joined", "1.500 joined Gil 1 joined", "2 left Gil 1 left", "3 joined Gil 1 joined"},
		},
		"an end comes before a start": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 5s}]}, {nick: Bob, visits: [{from: 1s, to: 5s}]}]}]}`,
			[]look{{5 * time.Second, []string{"Bob 6 1 5", "Ann 3 5 -"}}},
			[]string{"1 joined Bob 1 joined", "5 left Bob 1 left", "5 joined Ann 1 joined"},
		},
		"speed compresses the offsets": {
			`{speed: 10, meetings: [{id: m, end: 100s, people: [{nick: Ann, visits: [{from: 10s, to: 50s}]}]}]}`,
			[]look{{5 * time.Second, []string{"Ann 6 1 5"}}},
			[]string{"1 joined Ann 1 joined", "5 left Ann 1 left"},
		},
		"times that fall together are a millisecond apart": {
			`{speed: 100000, meetings: [{id: m, end: 1s, rejoin: add, people: [{nick: Ann, visits: [{from: 0, to: 1ms}, {from: 2ms, to: 3ms}]}]}]}`,
			[]look{{time.Second, []string{"Ann 6 0 0.001", "Ann 6 0.002 0.003"}}},
			[]string{"0 joined Ann 1 joined", "0.001 left Ann 1 left", "0.002 joined Ann 2 rejoined", "0.003 left Ann 2 left"},
		},
		"a change of nickname": {
			`{meetings: [{id: m, people: [{nick: Ann, visits: [{from: 1s}]}], actions: [{at: 2s, do: rename, person: Ann, nick: Anna}]}]}`,
			[]look{{2 * time.Second, []string{"Anna 3 1 -"}}},
			[]string{"1 joined Ann 1 joined"},
		},
		"a guest who is renamed": {
			`{meetings: [{id: m, people: [{id: gus, nick: Gus, guest: true, visits: [{from: 1s}]}], actions: [{at: 2s, do: rename, person: gus, nick: August}]}]}`,
			[]look{{time.Second, []string{"Gus 3 1 -"}}, {2 * time.Second, []string{"August 3 1 -"}}},
			[]string{"1 joined Gus 1 joined"},
		},
		"a meeting that began before": {
			`{meetings: [{id: m, start: -1m, people: [{nick: Ann, visits: [{from: -30s, to: 1s}]}]}]}`,
			[]look{{0, []string{"Ann 3 -30 -"}}, {time.Second, []string{"Ann 6 -30 1"}}},
			[]string{"-30 joined Ann 1 joined", "1 left Ann 1 left"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, clock := play(t, test.scenario)
			for _, look := range test.looks {
				clock.at(look.at)
				assert.Equal(t, look.want, list(s, "m"), "at %s", look.at)
			}
			assert.Equal(t, test.events, expectedEvents(t, s, "m"))
		})
	}
}
