package publisher

import (
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// checkSteps checks every step of a result by [checkStep], starting from the step before, and that
// together they are the whole result.
func checkSteps(base Record, res diff.Result, steps []diff.Step) error {
	from, count := base.State, 0
	for _, step := range steps {
		if err := checkStep(from, step); err != nil {
			return err
		}
		from, count = step.State, count+len(step.Events)
	}
	if count != len(res.Events) || from != res.State {
		return fmt.Errorf("meeting %s: the steps of a result hold %d of its %d events", base.State.ConferenceID, count, len(res.Events))
	}
	return nil
}

// checkStep checks what makes the stored events right: the step is about the meeting, and its
// member events continue the sequence without a gap.
func checkStep(from *diff.State, step diff.Step) error {
	if from == nil || step.State == nil {
		return errors.New("a commit needs the state it starts from and the one it leads to")
	}
	id := from.ConferenceID
	if err := events.CheckConferenceID(id); err != nil {
		return err
	}
	if step.State.ConferenceID != id {
		return fmt.Errorf("meeting %s: the new state is of meeting %s", id, step.State.ConferenceID)
	}
	seq := from.Sequence
	for i := range step.Events {
		e := &step.Events[i]
		if e.ConferenceID() != id {
			return fmt.Errorf("meeting %s: event %s is of meeting %s", id, e.ID, e.ConferenceID())
		}
		if !e.Type.OfMember() {
			continue
		}
		if seq++; e.Sequence != seq {
			return fmt.Errorf("meeting %s: event %s has sequence %d, not %d", id, e.ID, e.Sequence, seq)
		}
	}
	if step.State.Sequence != seq {
		return fmt.Errorf("meeting %s: the new state is at sequence %d, its events at %d", id, step.State.Sequence, seq)
	}
	return nil
}
