// Package readers says what those may do who only read the events, in an account of their own:
// which subjects are imported there from the account that has the stream, and which a user there
// may use. Making and deleting consumers is among them, and is done for them by [Serve].
//
// An account of its own, because the permissions of a user in the stream's account cannot express
// it: a consumer may be told to deliver to any subject of its account, and so be made to publish
// there.
package readers

import "github.com/c4342123/rollcall/events"

const (
	// Account is the name of the readers' account.
	Account = "ROLLCALL_READERS"
	// Prefix begins the subjects, in the account of the stream, on which readers' requests about
	// consumers arrive. What follows is the subject that the reader used, without [api].
	Prefix = "rollcall.readers."
	// All is every such subject.
	All = Prefix + ">"
	// UserInfo is where anybody asks the server who they are.
	UserInfo = "$SYS.REQ.USER.INFO"
	// Live are the events as they are stored.
	Live = "conference.>"

	// api begins the subjects of JetStream's requests.
	api = "$JS.API."
)

// Streams are those that are read.
func Streams() []string { return []string{events.Stream, events.AuditStream} }

// Service is a kind of request that is imported.
type Service struct {
	Subject string // in the readers' account
	To      string // in the account of the stream
	Many    bool   // may be answered by several messages
}

// Services are the requests that readers may make.
func Services() []Service {
	var out []Service
	as := func(many bool, subjects ...string) {
		for _, s := range subjects {
			out = append(out, Service{Subject: s, To: s, Many: many})
		}
	}
	as(false, api+"INFO", api+"STREAM.NAMES", api+"STREAM.LIST")
	for _, s := range Streams() {
		as(false, api+"STREAM.INFO."+s,
			api+"CONSUMER.INFO."+s+".*", api+"CONSUMER.NAMES."+s, api+"CONSUMER.LIST."+s)
		as(true, api+"CONSUMER.MSG.NEXT."+s+".*", api+"DIRECT.GET."+s)
		as(false, api+"DIRECT.GET."+s+".>",
			// Acknowledgements in both forms, the newer one with a domain and an account.
			"$JS.ACK."+s+".>", "$JS.ACK.*.*."+s+".>")
		for _, request := range []string{"CONSUMER.CREATE." + s, "CONSUMER.CREATE." + s + ".>", "CONSUMER.DURABLE.CREATE." + s + ".*", "CONSUMER.DELETE." + s + ".*"} {
			out = append(out, Service{Subject: api + request, To: Prefix + request})
		}
	}
	return out
}

// Publish are the subjects that a reader may publish on: the requests alone, for otherwise a reader
// could tell others in the account what did not happen.
func Publish() []string {
	out := []string{UserInfo}
	for _, s := range Services() {
		out = append(out, s.Subject)
	}
	return out
}

// Subscribe are the subjects that a reader may subscribe to: with more, one could answer the
// requests of others.
func Subscribe() []string { return []string{Live, "_INBOX.>"} }
