package publisher

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
)

// tryCommit stores an event and a state in one batch, and checks that another batch on top of a
// state that was replaced is refused.
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

// sendUntilTaken sends a batch again while the server cannot take it, but not for long: in a
// cluster not every server knows at once that there is a stream. If the time ends in the middle of
// an attempt, the attempt before says why.
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
			_, err = decodeState(msg.Data, diff.Key{}, trialMeeting)
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
