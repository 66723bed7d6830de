package publisher

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// defaultsKey stands in the metadata of a stream: by what it was made, what is done without a
	// setting may depend on it, so that an upgrade does nothing that was not asked for. It goes
	// into backups of the stream, and comes back with them.
	defaultsKey = "rollcall_defaults"
	// withEditions is its value since the standard edition is assumed without a setting. Streams
	// before have none.
	withEditions = "editions"
)

// older tells whether a stream was made before the standard edition of DingTalk was assumed.
func older(have jetstream.StreamConfig) bool { return have.Metadata[defaultsKey] == "" }

// marked is the configuration of a new stream with what says how old the installation is.
func marked(cfg jetstream.StreamConfig, older bool) jetstream.StreamConfig {
	if !older {
		cfg.Metadata = maps.Clone(cfg.Metadata)
		if cfg.Metadata == nil {
			cfg.Metadata = map[string]string{}
		}
		cfg.Metadata[defaultsKey] = withEditions
	}
	return cfg
}

// newStream is the configuration of a stream that is made now.
func (p *Publisher) newStream(older bool, format int) jetstream.StreamConfig {
	cfg := inFormat(marked(streamConfig(p.opts.Replicas), older), format)
	p.opts.Privacy.mark(&cfg)
	return cfg
}

// Older tells whether the installation is older than the editions: its stream was made by a version
// of Rollcall that knew no limit of calls and opened no stream connection unless it was told to. A
// stream that was lost and made again while Rollcall ran is as old as the one before.
func (p *Publisher) Older() bool { return p.older.Load() }

// Older is [Publisher.Older] for a program that only reads. Where there is no stream yet the
// installation is new.
func Older(ctx context.Context, js jetstream.JetStream) (bool, error) {
	st, err := js.Stream(ctx, events.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for stream %s: %w", events.Stream, err)
	}
	return older(st.CachedInfo().Config), nil
}
