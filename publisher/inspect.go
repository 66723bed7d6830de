package publisher

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// Inspection is what [Inspect] found.
type Inspection struct {
	Server   string   // version of the NATS server
	Exists   bool     // the stream is there
	Messages uint64   // stored in it
	Bytes    uint64   // that they take
	Replicas int      // of the stream
	Changes  []string // what [Open] would change in the stream
	Warnings []string // what can happen with the versions of the servers

	// MaxBytes, MaxMessages and MaxConsumers are the limits that somebody has set; 0 or less
	// without.
	MaxBytes, MaxMessages int64
	MaxConsumers          int
	Leaderless            bool     // no server leads it: nothing can be stored
	Away                  []string // the servers that keep it and are away or behind
}

// Inspect looks at what [Open] would find, and changes nothing. It returns [ErrServerTooOld],
// [ErrStreamConfig], or why the server could not be asked.
func Inspect(ctx context.Context, nc *nats.Conn, replicas int) (Inspection, error) {
	found := Inspection{Server: nc.ConnectedServerVersion()}
	warnings, err := checkServers(ctx, nc, nil)
	if err != nil {
		return found, err
	}
	found.Warnings = warnings
	js, err := jetstream.New(nc)
	if err != nil {
		return found, err
	}
	st, err := js.Stream(ctx, events.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("look for stream %s: %w", events.Stream, err)
	}
	info := st.CachedInfo()
	if found.Warnings, err = checkServers(ctx, nc, info); err != nil {
		return found, err
	}
	found.describe(info)
	if err := refusedConfig(refusals(info.Config)); err != nil {
		return found, err
	}
	_, found.Changes = improved(info.Config, max(replicas, 1))
	return found, nil
}

// describe takes over how the stream is.
func (i *Inspection) describe(info *jetstream.StreamInfo) {
	i.Exists, i.Messages, i.Bytes, i.Replicas = true, info.State.Msgs, info.State.Bytes, info.Config.Replicas
	i.MaxBytes, i.MaxMessages, i.MaxConsumers = info.Config.MaxBytes, info.Config.MaxMsgs, info.Config.MaxConsumers
	if info.Cluster == nil {
		return
	}
	i.Leaderless = info.Cluster.Leader == "" && info.Config.Replicas > 1
	for _, r := range info.Cluster.Replicas {
		if r.Offline || !r.Current {
			i.Away = append(i.Away, r.Name)
		}
	}
}
