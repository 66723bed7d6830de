package doctor

import (
	"encoding/json"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/face/bot"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/fleet/shards"
	"github.com/c4342123/rollcall/internal/fleet/turns"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/readers"
	"github.com/c4342123/rollcall/internal/stored/feed"
	"github.com/c4342123/rollcall/publisher"
)

// class is who needs something.
type class uint8

const (
	// toServe is what `rollcall serve` cannot do without.
	toServe class = iota
	// toMake is what it needs while a stream is not there yet, and when it is lost; toChange, when
	// one is to be changed.
	toMake
	toChange
	// toAgree is what replicas need of each other.
	toAgree
	// toLend is what it needs to make consumers for those who only read, in an account of their
	// own.
	toLend
	// toTell is what `rollcall bot` needs.
	toTell
	// toTry is what only the doctor needs, to try more.
	toTry
)

// need is one subject that is published or subscribed to, and what is sent there to find out
// whether that is allowed: nothing that changes anything, or that any program acts on.
type need struct {
	class     class
	subscribe bool
	subject   string
	header    nats.Header
	body      []byte
	silent    bool // who hears it need not answer
	// stream is the one that a message on the subject is to reach; empty where that is no matter.
	stream string
}

// allow is the subject as it is to be allowed.
func (n need) allow() string { return conn.Pattern(n.subject) }

// nobody is a name that no stream, consumer, meeting or key has.
const nobody = "rollcall-doctor"

// jsAPI begins the subjects of JetStream's requests.
const jsAPI = "$JS.API."

// kv is the stream of a bucket.
func kv(bucket string) string { return "KV_" + bucket }

// buckets are those that serve makes with these settings.
func buckets(s config.Settings) []string {
	out := []string{shards.Bucket, budget.Bucket}
	if s.Polling.DiscoveryInterval > 0 {
		out = append(out, turns.Bucket)
	}
	if s.HTTP.TokenSet() {
		out = append(out, access.SessionBucket)
	}
	return out
}

// streams are those that serve makes with these settings.
func streams(s config.Settings) []string {
	out := []string{events.Stream}
	for _, b := range buckets(s) {
		out = append(out, kv(b))
	}
	if key, _ := s.SigningKey(); key != "" {
		out = append(out, events.AuditStream)
	}
	return out
}

// consumersNeeded is how many consumers of the stream a replica has at once: its publisher's, the
// one that readers of the HTTP interface hear from, that of the log of meetings, and that of a
// request for what is stored.
const consumersNeeded = publisher.Consumers + feed.Consumers + 1 + 1

// needs are everything that serve with these settings asks of NATS, then what the bot does, then
// what the doctor does. inbox is where an answer could be sent to.
func needs(s config.Settings, inbox string) []need {
	out := []need{
		{class: toServe, subscribe: true, subject: inbox},
		{class: toServe, subscribe: true, subject: inbox + ".*"},
		{class: toServe, subscribe: true, subject: shards.Feed},
		{class: toServe, subscribe: true, subject: peers.Subject},
		{class: toServe, subject: peers.Subject, silent: true, body: mustJSON(map[string]string{"conferenceId": nobody})},
		{class: toAgree, subject: inbox},
	}
	for _, subject := range publisher.Subjects() {
		out = append(out, stored(toServe, subject, events.Stream))
	}
	out = append(out, made(toServe, events.Stream)...)
	out = append(out,
		need{subject: jsAPI + "STREAM.MSG.GET." + events.Stream, body: lastBy(nobody)},
		purged(), erased(),
	)
	out = append(out, consumed(toServe, events.Stream)...)
	for _, b := range buckets(s) {
		out = append(out, kept(toServe, b)...)
		// The bucket of the leases is made as a stream; the client library asks this before it
		// makes a bucket.
		if b != shards.Bucket {
			out = append(out, need{class: toMake, subject: jsAPI + "INFO", stream: kv(b)})
		}
	}
	// Leases are read by a request of their own, all at once.
	out = append(out, need{subject: jsAPI + "DIRECT.GET." + kv(shards.Bucket), body: lastBy("$KV." + shards.Bucket + "." + nobody)})
	out = append(out, audited()...)
	out = append(out, lent()...)
	out = append(out, kept(toTell, bot.Bucket)...)
	out = append(out, counted()...)
	out = append(out,
		need{class: toTell, subject: "$JS.ACK." + events.Stream + "." + nobody},
		need{class: toTell, subject: jsAPI + "DIRECT.GET." + events.Stream + "." + events.ByMeeting(nobody, events.MeetingStarted)},
	)
	return append(out, tried()...)
}

// audited is what the log of meetings needs, which has a stream of its own.
func audited() []need {
	subject := strings.TrimSuffix(events.AuditSubjects, ">") + nobody
	out := append(made(toServe, events.AuditStream), stored(toServe, subject, events.AuditStream))
	out = append(out, consumed(toServe, events.AuditStream)...)
	return append(out,
		need{subject: jsAPI + "STREAM.MSG.GET." + events.AuditStream, body: lastBy(subject)},
		need{subject: jsAPI + "DIRECT.GET." + events.AuditStream, body: lastBy(subject)},
		need{subject: jsAPI + "DIRECT.GET." + events.AuditStream + "." + subject},
	)
}

// counted is what the bot needs to count its messages among the month's pushes.
func counted() []need {
	key := "$KV." + budget.Bucket + ".usage." + nobody
	return []need{
		{class: toTell, subject: jsAPI + "STREAM.INFO." + kv(budget.Bucket)},
		{class: toTell, subject: jsAPI + "DIRECT.GET." + kv(budget.Bucket) + "." + key},
		stored(toTell, key, kv(budget.Bucket)),
	}
}

// stored is a message that is published into a stream. It expects another stream than the one that
// gets it, and so is refused whatever the stream.
func stored(c class, subject, stream string) need {
	return need{class: c, subject: subject, header: nats.Header{jetstream.ExpectedStreamHeader: {nobody}}, stream: stream}
}

// made are the requests by which a stream is found, made and changed. The names in the latter do
// not agree.
func made(c class, stream string) []need {
	create, update := toMake, toChange
	if c != toServe {
		create, update = c, c
	}
	other := mustJSON(map[string]string{"name": nobody})
	return []need{
		{class: c, subject: jsAPI + "STREAM.INFO." + stream},
		{class: create, subject: jsAPI + "STREAM.CREATE." + stream, body: other, stream: stream},
		{class: update, subject: jsAPI + "STREAM.UPDATE." + stream, body: other, stream: stream},
	}
}

// purged is the request that removes what has expired. One that says both up to where and how many to
// keep is refused, and there is nothing on its subject.
func purged() need {
	body := mustJSON(map[string]any{"filter": publisher.StateSubject(nobody), "seq": 1, "keep": 1})
	return need{subject: jsAPI + "STREAM.PURGE." + events.Stream, body: body, stream: events.Stream}
}

// erased is the request that overwrites a message. No stream has come to where it stands.
func erased() need {
	body := mustJSON(map[string]any{"seq": uint64(1) << 62})
	return need{subject: jsAPI + "STREAM.MSG.DELETE." + events.Stream, body: body, stream: events.Stream}
}

// consumed are the requests by which a stream is read. There is no such consumer.
func consumed(c class, stream string) []need {
	other := mustJSON(map[string]any{"stream_name": nobody, "config": struct{}{}})
	return []need{
		{class: c, subject: jsAPI + "CONSUMER.CREATE." + stream + "." + nobody, body: other},
		{class: c, subject: jsAPI + "CONSUMER.CREATE." + stream + "." + nobody + "." + publisher.AllStates, body: other},
		{class: c, subject: jsAPI + "CONSUMER.INFO." + stream + "." + nobody},
		{class: c, subject: jsAPI + "CONSUMER.DELETE." + stream + "." + nobody},
		{class: c, subject: jsAPI + "CONSUMER.MSG.NEXT." + stream + "." + nobody},
	}
}

// lent is what it takes to hand readers' requests on, and to answer them.
func lent() []need {
	other := mustJSON(map[string]any{"stream_name": nobody, "config": struct{}{}})
	return []need{
		{class: toLend, subscribe: true, subject: readers.All},
		{class: toLend, subject: "_R_." + nobody, silent: true},
		{class: toLend, subject: jsAPI + "CONSUMER.CREATE." + events.Stream, body: other},
		{class: toLend, subject: jsAPI + "CONSUMER.DURABLE.CREATE." + events.Stream + "." + nobody, body: other},
	}
}

// kept is what a key-value bucket needs.
func kept(c class, bucket string) []need {
	key := "$KV." + bucket + "." + nobody
	return append(made(c, kv(bucket)),
		stored(c, key, kv(bucket)),
		need{class: c, subject: jsAPI + "DIRECT.GET." + kv(bucket) + "." + key},
	)
}

// tried is what a trial on a stream of its own needs. A request to remove it that is not empty is
// refused.
func tried() []need {
	out := made(toTry, publisher.TrialStream)[:2]
	return append(out,
		need{class: toTry, subject: jsAPI + "CONSUMER.CREATE." + publisher.TrialStream + "." + nobody, body: mustJSON(nobody)},
		need{class: toTry, subject: jsAPI + "CONSUMER.MSG.NEXT." + publisher.TrialStream + "." + nobody},
		need{class: toTry, subject: jsAPI + "STREAM.DELETE." + publisher.TrialStream, body: mustJSON(nobody)},
		need{class: toTry, subject: jsAPI + "DIRECT.GET." + publisher.TrialStream + "." + nobody},
		need{class: toTry, subject: publisher.TrialIngest + nobody},
		need{class: toTry, subject: jsAPI + "INFO"},
		need{class: toTry, subject: jsAPI + "STREAM.NAMES", body: mustJSON(map[string]string{"subject": nobody})},
	)
}

func lastBy(subject string) []byte { return mustJSON(map[string]string{"last_by_subj": subject}) }

// mustJSON writes what can always be written.
func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
