package forget

import (
	"context"
	"fmt"
	"slices"

	"github.com/c4342123/rollcall/events"
)

// What cannot be reached from here.
const (
	backups   = "backups and snapshots of the stream that were taken before"
	titles    = "titles of meetings, which may hold names"
	plain     = "states from before they were sealed, until the server drops the blocks they lie in"
	encrypted = "all of it, if the NATS server encrypts its store: it only says that it overwrites"
)

// unreachable is what may still name somebody, where states of theirs may have been stored unsealed or
// not.
func (x *Eraser) unreachable(ctx context.Context, unsealed bool) ([]string, error) {
	out := []string{backups, titles}
	if unsealed {
		out = append(out, plain)
	}
	if x.Foreign {
		out = append(out, encrypted)
	}
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
	slices.Sort(out[2:])
	return out, streams.Err()
}
