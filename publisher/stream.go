package publisher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// ingest is put in front of every subject that is published to. The stream takes it away again when
// it stores a message, and only republishes what is stored: core subscribers never see a batch that
// is not committed.
const ingest = "rollcall.in."

// duplicateWindow is how long the server remembers message ids. What keeps events from being stored
// twice is the compare-and-set; the ids are a second line of defence, for a state that was removed
// or replaced by an older one outside of Rollcall. Every id costs the server memory, and time at
// its start, so this is the server's own default, stated so that it does not depend on the server.
const duplicateWindow = 2 * time.Minute

// createStreamAttempts bounds the rounds of looking and creating when several replicas start at the
// same moment.
const createStreamAttempts = 5

// streamConfig is the configuration of a new stream. There is no MaxAge: it would remove the states
// of meetings that are watched for longer, so every event carries its own time to live.
func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        events.Stream,
		Description: "Rollcall: events of meetings, and their states",
		Subjects:    []string{ingest + ">"},
		SubjectTransform: &jetstream.SubjectTransformConfig{
			Source: ingest + ">", Destination: ">",
		},
		RePublish:          &jetstream.RePublish{Source: "conference.>", Destination: "conference.>"},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardNew,
		Replicas:           replicas,
		Duplicates:         duplicateWindow,
		AllowAtomicPublish: true,
		AllowRollup:        true,
		AllowDirect:        true,
		AllowMsgTTL:        true,
	}
}

// ensureStream creates the stream as wanted, or makes sure of the one that exists. It returns the
// stream's configuration as it found it, or has made it.
func ensureStream(ctx context.Context, js jetstream.JetStream, cfg jetstream.StreamConfig, log *slog.Logger) (jetstream.StreamConfig, error) {
	for range createStreamAttempts {
		st, err := js.Stream(ctx, events.Stream)
		if err == nil {
			have := st.CachedInfo().Config
			return have, adoptStream(ctx, js, have, cfg.Replicas, log)
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return cfg, fmt.Errorf("look for stream %s: %w", events.Stream, err)
		}
		st, err = js.CreateStream(ctx, cfg)
		if err == nil {
			log.Info("created the stream", "stream", events.Stream, "replicas", cfg.Replicas)
			have := st.CachedInfo().Config
			return have, confirm(have, cfg.Replicas)
		}
		// Another replica may have created it since.
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return cfg, fmt.Errorf("create stream %s: %w", events.Stream, err)
		}
	}
	return cfg, fmt.Errorf("stream %s is neither there nor can it be created", events.Stream)
}

// adoptStream checks an existing stream and changes what can be changed without harm.
func adoptStream(ctx context.Context, js jetstream.JetStream, have jetstream.StreamConfig, replicas int, log *slog.Logger) error {
	if err := refusedConfig(refusals(have)); err != nil {
		return err
	}
	want, changes := improved(have, replicas)
	if len(changes) == 0 {
		return nil
	}
	st, err := js.UpdateStream(ctx, want)
	if err != nil {
		return fmt.Errorf("update stream %s (%s): %w", events.Stream, strings.Join(changes, "; "), err)
	}
	log.Info("updated the stream", "stream", events.Stream, "changes", changes)
	return confirm(st.CachedInfo().Config, replicas)
}

// confirm checks that the server did what it was asked to: an older one in the same cluster ignores
// fields that it does not know.
func confirm(have jetstream.StreamConfig, replicas int) error {
	if err := refusedConfig(refusals(have)); err != nil {
		return err
	}
	if _, left := improved(have, replicas); len(left) > 0 {
		return fmt.Errorf("%w: the server accepted but ignored: %s", ErrStreamConfig, strings.Join(left, "; "))
	}
	return nil
}

// refusedConfig is the error that says what is wrong with the stream's configuration; nil when that
// is nothing.
func refusedConfig(bad []string) error {
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrStreamConfig, strings.Join(bad, "; "))
}
