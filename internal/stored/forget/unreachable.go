package forget

import (
	"context"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/events"
)

// What cannot be reached from here.
const (
	backups   = "backups and snapshots of the stream that were taken before"
	titles    = "titles of meetings, which may hold names"
	plain     = "states from before they were sealed, until the server drops the blocks they lie in"
	robots    = "what was told to group robots (bucket " + Robots + "), until the server drops the blocks it lies in: this user may not clear it"
	unlisted  = "streams that copy CONFERENCE, if there are any: this user may not list them"
	encrypted = "all of it, if the NATS server encrypts its store: it only says that it overwrites"
)

// listTime is how long the streams of the account are waited for.
const listTime = 2 * time.Second

// unreachable is what may still name somebody, where states of theirs may have been stored unsealed or
// not.
func (x *Eraser) unreachable(ctx context.Context, unsealed bool) []string {
	out := []string{backups, titles}
	if unsealed {
		out = append(out, plain)
	}
	if x.Foreign {
		out = append(out, encrypted)
	}
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	streams := x.JetStream.ListStreams(ctx)
	for info := range streams.Info() {
		cfg := info.Config
		copies := cfg.Mirror != nil && cfg.Mirror.Name == events.Stream
		for _, source := range cfg.Sources {
			copies = copies || source.Name == events.Stream
		}
		if copies {
			out = append(out, fmt.Sprintf("stream %s, which copies %s", cfg.Name, events.Stream))
		}
	}
	if streams.Err() != nil { // this user may not list them, as a rule
		out = append(out, unlisted)
	}
	return out
}
