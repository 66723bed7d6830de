package month

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// tenant is an organisation, and what DingTalk does for it.
type tenant struct {
	perDay  int      // meetings on a working day
	limit   int      // the month's calls as Rollcall is told them; 0 for none
	grants  int      // what DingTalk itself grants; 0 for any number
	pushes  pushKind // which it sends
	until   float64  // the day of the month, from 0, from which on it sends none; 0 for never
	quota   int      // pushes of the month, as Rollcall is told and as DingTalk sends them; 0 for any number
	lost    float64  // the part of the pushes that never comes
	devices float64  // the part of the people who join by two devices
	reset   bool     // a rejoin takes over the row, and adds none
	closes  duration // how long after a meeting's end its list can be read
	learned bool     // the hours were learned in the months before
	line    float64  // seconds after which somebody loses the connection, on average; 0 for the usual
	fleet   int      // replicas; 0 for one
	days    int      // of the month that are played; 0 for all
	seed    uint64
	buckets []jetstream.KeyValue // by which the replicas share what they know; none for one in memory
}

// ends is when the last day is over that is played.
func (t tenant) ends() time.Time {
	if t.days == 0 {
		return monthEnds
	}
	return monthBegins.AddDate(0, 0, t.days)
}

type duration = time.Duration

// pushKind is which events the app subscribed to.
type pushKind uint8

const (
	noPushes     pushKind = iota
	statusPushes          // meetings beginning and ending
	allPushes
)

const (
	standard       = 5_000
	standardPushes = 3_000
	professional   = 200_000
	readable       = time.Hour
)

// variants are ways in which DingTalk, or an organisation, may be otherwise.
var variants = map[string]func(*tenant){
	"plain":     func(*tenant) {},
	"reset":     func(t *tenant) { t.reset = true },
	"closed0":   func(t *tenant) { t.closes = 0 },
	"closed10":  func(t *tenant) { t.closes = 10 * time.Minute },
	"lost":      func(t *tenant) { t.lost = 0.05 },
	"devices":   func(t *tenant) { t.devices = 0.1 },
	"learned":   func(t *tenant) { t.learned = true },
	"lines":     func(t *tenant) { t.line = 1500 },
	"replicas":  func(t *tenant) { t.fleet = 3 },
	"unsettled": func(t *tenant) { t.lost, t.devices, t.line = 0.05, 0.1, 1500 },
}

// The tenants that the performance page tells of.
var tenants = map[string]tenant{
	"A":      {perDay: 4, limit: standard, pushes: allPushes, closes: readable},
	"B":      {perDay: 4, limit: standard, pushes: allPushes, until: 11.4, closes: readable},
	"C":      {perDay: 20, limit: standard, pushes: allPushes, closes: readable},
	"D":      {perDay: 20, limit: standard, closes: readable},
	"E":      {perDay: 200, limit: professional, pushes: allPushes, closes: readable},
	"F":      {perDay: 4, limit: standard, grants: standard, pushes: allPushes, closes: readable}, // where nothing is set
	"idle":   {limit: standard, closes: readable},
	"quota":  {perDay: 20, limit: standard, pushes: allPushes, quota: standardPushes, closes: readable}, // C as the Standard edition has it
	"quotaA": {perDay: 4, limit: standard, pushes: allPushes, quota: 2_000, closes: readable},
	"status": {perDay: 20, limit: standard, pushes: statusPushes, closes: readable},
}
