package publisher

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

const (
	// TrialStream is the stream that [Try] makes and removes again.
	TrialStream = "ROLLCALL_DOCTOR"
	// TrialIngest begins the subjects that are published to during a trial.
	TrialIngest = "rollcall.doctor.in."
	trialStored = "rollcall.doctor.stored."
	trialTold   = "rollcall.doctor.told."
	// trialDescription tells a stream that a trial has left from somebody else's of that name.
	trialDescription = "Rollcall: tries what the server can do; to be removed"
	// trialTime is how long a trial takes at most. A stream that is older was left by one that was killed.
	trialTime = 5 * time.Second
	// trialPause stands between two looks whether another trial is over.
	trialPause = 50 * time.Millisecond
	// trialPeople is how many people a meeting has whose state a server must be able to take.
	trialPeople = 1000
)

// Consumers is how many consumers of the stream a running publisher has at once: one that follows the states, and one
// that reads them all.
const Consumers = 2

// ErrTrialForeign says that a stream of the trial's name exists which no trial has made. It is left alone.
var ErrTrialForeign = errors.New("there is a stream " + TrialStream + " that Rollcall has not made")

// Subjects are what a publisher publishes on, one subject of each kind. No message on them as they are here is anything
// that Rollcall reads.
func Subjects() []string {
	const nobody = "rollcall-doctor"
	out := []string{ingest + StateSubject(nobody), ingest + markSubject, ingest + aliveSubject}
	for _, t := range events.Types() {
		out = append(out, ingest+string(t))
		if !t.OfSource() {
			out = append(out, ingest+events.ByMeeting(nobody, t))
		}
	}
	return out
}

// Ingest is the wildcard of all subjects that a publisher publishes on.
const Ingest = ingest + ">"

// CheckPayload tells whether the connected server takes messages as large as the state of a large meeting; the error is
// [ErrTooLarge] when it does not.
func CheckPayload(nc *nats.Conn) error {
	p := &Publisher{nc: nc, opts: Options{}.withDefaults()}
	_, err := p.build(Record{State: diff.New(trialMeeting)}, trialStep(trialPeople))
	return err
}

// trialMeeting is the meeting that a trial stores.
const trialMeeting = "rollcall-doctor"

// trialStep is what is stored of a meeting of n people in one piece: that the first of them joins, and the state.
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

// Try does on a stream of its own what [Open] and a running publisher do on theirs: it makes [TrialStream] with the same
// configuration, stores an event and a state in one batch, has a second batch refused, reads what is stored and has as
// many consumers as are said at once. It removes the stream whatever happens, even when ctx ends. It returns what the
// server refused, and [ErrTrialForeign].
//
// A stream that a killed trial has left is removed first; one that is under way elsewhere is waited for.
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
	defer func() { err = errors.Join(err, endTrial(ctx, js)) }() // it may be made though the answer is lost
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

// ClearTrial removes what a killed trial has left, and waits for another one that is under way. A stream of the trial's
// name that no trial has made is [ErrTrialForeign], and left alone.
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

// tryCommit stores an event and a state in one batch, and makes sure that another one on top of what is no more the
// state is refused.
func (p *Publisher) tryCommit(ctx context.Context, st jetstream.Stream) error {
	step := trialStep(1)
	base := Record{State: diff.New(trialMeeting)}
	for round, want := range []verdict{committed, conflict} {
		j, err := p.build(base, step)
		if err != nil {
			return err
		}
		for _, m := range j.msgs {
			m.Subject = TrialIngest + strings.TrimPrefix(m.Subject, ingest)
			if round > 0 {
				m.Header.Del(nats.MsgIdHdr) // it is not its id that it is to be refused for
			}
		}
		if a := p.sendUntilTaken(ctx, j); a.verdict != want {
			if a.verdict == committed {
				return errors.New("the server stored a state on top of one that was no more")
			}
			return fmt.Errorf("store a batch: %w", a.err)
		}
	}
	return readTrial(ctx, st)
}

// insist sends a batch again while the server cannot take it, but not for long: in a cluster it is not known at once
// everywhere that there is a stream. When the time is over in the middle of an attempt, the one before says why.
func (p *Publisher) sendUntilTaken(ctx context.Context, j *job) answer {
	ctx, cancel := context.WithTimeout(ctx, trialTime/3)
	defer cancel()
	var before answer
	for {
		a := p.send(ctx, []*job{j})
		if before.err != nil && cutShort(ctx, a.err) {
			return before
		}
		if a.verdict != busy || sleep(ctx, trialPause) != nil {
			return a
		}
		before = a
	}
}

// cutShort tells whether an error says no more than that ctx has ended.
func cutShort(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}

// readTrial reads the state that was stored. A server of a cluster may be behind for a moment.
func readTrial(ctx context.Context, st jetstream.Stream) error {
	ctx, cancel := context.WithTimeout(ctx, trialTime/3)
	defer cancel()
	var before error
	for {
		msg, err := st.GetLastMsgForSubject(ctx, trialStored+StateSubject(trialMeeting))
		if err == nil {
			_, err = decodeState(msg.Data)
			return err
		}
		if before != nil && cutShort(ctx, err) {
			err = before
		}
		before = err
		if sleep(ctx, trialPause) != nil {
			return fmt.Errorf("read what was stored: %w", err)
		}
	}
}

// tryConsumers makes consumers, as many as are said at once, and reads by one of them.
func tryConsumers(ctx context.Context, st jetstream.Stream, n int) error {
	var cons jetstream.Consumer
	for i := range n {
		var err error
		if cons, err = st.CreateConsumer(ctx, ephemeral(jetstream.ConsumerConfig{Name: "trial"})); err != nil {
			return fmt.Errorf("create consumer %d of %d: %w", i+1, n, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime/3)
	defer cancel()
	for {
		batch, err := cons.Fetch(1, jetstream.FetchContext(ctx))
		if err != nil {
			return fmt.Errorf("read by a consumer: %w", err)
		}
		for range batch.Messages() {
			return nil
		}
		if sleep(ctx, trialPause) != nil { // else it may not be known everywhere yet
			return fmt.Errorf("read by a consumer: %w", cmp.Or(batch.Error(), errNoAnswer))
		}
	}
}

// TryReading reads from the stream as a publisher does, by a consumer that it removes again. The stream has to exist.
func TryReading(ctx context.Context, nc *nats.Conn) (err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	cons, err := js.CreateConsumer(ctx, events.Stream, ephemeral(jetstream.ConsumerConfig{Name: "trial", HeadersOnly: true}))
	if err != nil {
		return fmt.Errorf("create a consumer: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialTime)
		defer cancel()
		_ = js.DeleteConsumer(ctx, events.Stream, cons.CachedInfo().Name) // else the server removes it soon
	}()
	batch, err := cons.FetchNoWait(1)
	if err != nil {
		return fmt.Errorf("read by a consumer: %w", err)
	}
	for range batch.Messages() { // what there is, if anything, arrives
	}
	return batch.Error()
}
