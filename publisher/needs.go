package publisher

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Consumers is how many consumers of the stream a running publisher has at once: one that follows
// the states, and one that reads them all.
const Consumers = 2

// Subjects are what a publisher publishes on, one subject of each kind. No message on them as they
// are here is anything that Rollcall reads.
func Subjects() []string {
	const nobody = "rollcall-doctor"
	out := []string{ingest + StateSubject(nobody), ingest + KeySubject(nobody), ingest + markSubject, ingest + aliveSubject}
	for _, t := range events.Types() {
		out = append(out, ingest+string(t))
		if t.Chained() {
			out = append(out, ingest+events.ByMeeting(nobody, t))
		}
	}
	return out
}

// Ingest is the wildcard of all subjects that a publisher publishes on.
const Ingest = ingest + ">"

// CheckPayload tells whether the connected server takes messages as large as the state of a large
// meeting; the error is [ErrTooLarge] when it does not.
func CheckPayload(nc *nats.Conn) error {
	p := &Publisher{nc: nc, opts: Options{}.withDefaults()}
	_, err := p.build(Record{State: diff.New(trialMeeting)}, trialStep(trialPeople))
	return err
}

// trialMeeting is the meeting that a trial stores.
const trialMeeting = "rollcall-doctor"

// trialStep is what is stored of a meeting of n people in one piece: that the first of them joins,
// and the state.
func trialStep(n int) diff.Step {
	rows := make([]diff.Row, n)
	for i := range rows {
		id := sha256.Sum256([]byte(strconv.Itoa(i))) // nothing that is easily compressed
		rows[i] = diff.Row{
			UnionID: hex.EncodeToString(id[:11]), UserNick: hex.EncodeToString(id[11:15]), Status: diff.StatusActive, JoinTime: int64(1 + i*997),
		}
	}
	at := time.Hour.Milliseconds()
	res := diff.Compare(diff.New(trialMeeting), diff.Snapshot{Rows: rows, From: at, At: at, Via: events.ViaPoll})
	return diff.Step{Events: res.Events[:1], State: res.State}
}
