// Package doctor examines what the service needs, and says how to correct what is wrong. It changes
// nothing that is there, and leaves nothing behind: neither the stream nor the store is made, and
// the only thing it spends is one API call.
//
// What the service asks of NATS it asks, too, in requests that are refused for what is in them when
// they are allowed. What would be made it makes under another name, and removes it again whatever
// happens.
package doctor

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/internal/config"
)

// Verdict is how a check went.
type Verdict uint8

const (
	// OK says that all is well.
	OK Verdict = iota
	// Note says that the service runs, but that there is something its operator should know.
	Note
	// Skipped says that the check makes no sense, because of the settings or because of another
	// that failed.
	Skipped
	// Failed says that the service does not run, or not in full.
	Failed
)

// String is the verdict's name as it is printed.
func (v Verdict) String() string {
	return [...]string{"ok", "note", "skipped", "failed"}[v]
}

// Finding is the outcome of one check.
type Finding struct {
	Check   string // what was checked
	Verdict Verdict
	Text    string // what was found; it holds no secret
	Mend    string // what to do about it; empty when there is nothing to do
}

// Options say what is examined.
type Options struct {
	Settings config.Settings
	// LookupEnv finds the contexts of the nats command line tool.
	LookupEnv func(name string) (string, bool)
	// UserAgent is how API calls name the program.
	UserAgent string
}

// patience bounds every single check.
const patience = 10 * time.Second

// check is one examination.
type check struct {
	name string
	run  func(ctx context.Context) Finding
}

// Examine makes the checks one after the other, and tells each finding as soon as there is one. It
// returns whether none failed. When ctx ends it stops, and what is left is not told.
func Examine(ctx context.Context, opts Options, tell func(Finding)) bool {
	well := true
	api, store := &upstream{opts: opts}, &store{opts: opts}
	defer api.close()
	defer store.close()
	for _, c := range opts.checks(api, store) {
		bounded, cancel := context.WithTimeout(ctx, patience)
		found := c.run(bounded)
		cancel()
		if ctx.Err() != nil {
			return false
		}
		found.Check = c.name
		well = well && found.Verdict != Failed
		tell(found)
	}
	return well
}

func (o Options) checks(api *upstream, store *store) []check {
	return []check{
		{"credentials", o.credentials},
		{"dingtalk reached", api.reached},
		{"clock", api.clock},
		{"access token", api.token},
		{"nats", store.connection},
		{"nats permissions", store.permissions},
		{"jetstream", store.jetStream},
		{"stream", store.stream},
		{"storing", store.storing},
		{"permission", func(ctx context.Context) Finding { return api.permission(ctx, store.call) }},
		{"pushes", o.pushes},
		{"push events", store.events},
		{"sealing", func(context.Context) Finding { return Sealing(o.Settings) }},
		{"http", o.http},
	}
}

func ok(text string) Finding         { return Finding{Verdict: OK, Text: text} }
func skipped(text string) Finding    { return Finding{Verdict: Skipped, Text: text} }
func note(text, mend string) Finding { return Finding{Verdict: Note, Text: text, Mend: mend} }
func failed(err error, mend string) Finding {
	return Finding{Verdict: Failed, Text: err.Error(), Mend: mend}
}
