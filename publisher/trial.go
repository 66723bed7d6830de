package publisher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// TrialStream is the stream that [Try] makes and removes again.
	TrialStream = "ROLLCALL_DOCTOR"
	// TrialIngest begins the subjects that are published to during a trial.
	TrialIngest = "rollcall.doctor.in."
	trialStored = "rollcall.doctor.stored."
	trialTold   = "rollcall.doctor.told."
	// trialDescription tells a stream that a trial has left from another program's of that name.
	trialDescription = "Rollcall: tries what the server can do; to be removed"
	// trialTime is how long a trial takes at most. An older stream was left by a trial that was
	// killed.
	trialTime = 5 * time.Second
	// trialPause is the time between two checks whether another trial is over.
	trialPause = 50 * time.Millisecond
	// trialPeople is the size of a meeting whose state a server must be able to take.
	trialPeople = 1000
)

// ErrTrialForeign says that a stream of the trial's name exists which no trial has made. It is left
// alone.
var ErrTrialForeign = errors.New("there is a stream " + TrialStream + " that Rollcall has not made")

// Try does on a stream of its own what [Open] and a running publisher do on theirs. It creates
// [TrialStream] with the same configuration, stores an event and a state in one batch, has a second
// batch refused, reads what is stored and has that many consumers at once. It removes the stream
// whatever happens, even when ctx ends. It returns what the server refused, and [ErrTrialForeign].
//
// A stream that a killed trial has left is removed first; one of a trial that is under way
// elsewhere is waited for.
func Try(ctx context.Context, nc *nats.Conn, replicas, consumers int) (err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if err := ClearTrial(ctx, nc); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	// It may be made though the answer is lost.
	defer func() { err = errors.Join(err, endTrial(ctx, js)) }()
	st, err := js.CreateStream(ctx, trialConfig(replicas))
	if err != nil {
		return fmt.Errorf("create stream: %w", err)
	}
	if err := confirm(asReal(st.CachedInfo().Config), replicas); err != nil {
		return err
	}
	p := &Publisher{nc: nc, js: js, opts: Options{}.withDefaults(), log: slog.New(slog.DiscardHandler), trial: true}
	p.batchLimit.Store(maxBatch)
	if err := p.tryCommit(ctx, st); err != nil {
		return err
	}
	return tryConsumers(ctx, st, consumers)
}

// trialConfig is that of the real stream, on subjects of its own.
func trialConfig(replicas int) jetstream.StreamConfig {
	cfg := streamConfig(replicas)
	cfg.Name, cfg.Description, cfg.Subjects = TrialStream, trialDescription, []string{TrialIngest + ">"}
	cfg.SubjectTransform = &jetstream.SubjectTransformConfig{Source: TrialIngest + ">", Destination: trialStored + ">"}
	cfg.RePublish = &jetstream.RePublish{Source: trialStored + ">", Destination: trialTold + ">"}
	return cfg
}

// asReal is the configuration of a trial's stream with what is its own as the real stream has it.
func asReal(have jetstream.StreamConfig) jetstream.StreamConfig {
	want, trial := streamConfig(have.Replicas), trialConfig(have.Replicas)
	if len(have.Subjects) == 1 && have.Subjects[0] == trial.Subjects[0] {
		have.Subjects = want.Subjects
	}
	if have.SubjectTransform != nil && *have.SubjectTransform == *trial.SubjectTransform {
		have.SubjectTransform = want.SubjectTransform
	}
	if have.RePublish != nil && *have.RePublish == *trial.RePublish {
		have.RePublish = want.RePublish
	}
	return have
}

// streamName is that of the stream that is committed to.
func (p *Publisher) streamName() string {
	if p.trial {
		return TrialStream
	}
	return events.Stream
}

// ClearTrial removes what a killed trial has left, and waits for another one that is under way. A
// stream of the trial's name that no trial has made is [ErrTrialForeign], and left alone.
func ClearTrial(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	for {
		st, err := js.Stream(ctx, TrialStream)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			return nil
		case err != nil:
			return fmt.Errorf("look for stream %s: %w", TrialStream, err)
		}
		info := st.CachedInfo()
		if info.Config.Description != trialDescription {
			return ErrTrialForeign
		}
		if info.TimeStamp.Sub(info.Created) >= trialTime {
			return endTrial(ctx, js)
		}
		if err := sleep(ctx, trialPause); err != nil {
			return err
		}
	}
}

// endTrial removes the stream, though ctx may have ended.
func endTrial(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialTime)
	defer cancel()
	if err := js.DeleteStream(ctx, TrialStream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("stream %s could not be removed: %w", TrialStream, err)
	}
	return nil
}
