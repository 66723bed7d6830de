package bot

import (
	"context"
	"slices"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// maxComplaint is how much is logged of what is wrong with a message, in characters.
const maxComplaint = 300

// collect reads what happened, for at most a beat. Once the time of a batch is over, or it is full,
// it becomes messages.
func (w *worker) collect(ctx context.Context) error {
	w.brief = w.digests()
	wait := beat
	if len(w.batch) > 0 && !w.brief {
		wait = min(wait, w.due.Sub(w.now()))
	}
	found, err := w.reader.next(ctx, maxBatchEvents-len(w.batch), wait)
	if err != nil {
		return err
	}
	for _, d := range found {
		if err := w.take(ctx, d); err != nil {
			return err
		}
	}
	if w.old > 0 {
		w.logger.Warn("events are too old to be told", "robot", w.name, "events", w.old, "than", w.rules.maxAge)
		w.old = 0
	}
	ripe, rest := w.ripe()
	if len(ripe) == 0 {
		return nil
	}
	return w.commit(ctx, ripe, rest)
}

// take decides about one message of the stream.
func (w *worker) take(ctx context.Context, d delivery) error {
	e, err := events.Decode(d.payload)
	if err != nil { // a message of another program: reading it again does not help
		w.logger.Warn("a message in the stream is no event", "robot", w.name, "sequence", d.seq,
			"error", plaintext.Clean(err.Error(), maxComplaint))
		return nil
	}
	if e.Meeting != nil {
		w.titles.note(e.Meeting)
		if e.Type == events.MeetingEnded {
			w.end(e.Meeting.ConferenceID)
		}
		return nil
	}
	if e.Member == nil {
		return nil
	}
	if w.said.has(e.ID) || slices.Contains(w.st.Ahead, fingerprintOf(e.ID)) || slices.ContainsFunc(w.batch, func(it item) bool { return it.id == e.ID }) {
		w.logger.Debug("announced anew, and told before", "robot", w.name, "id", e.ID)
		return nil
	}
	now := w.now()
	why := w.judge(e, nil, now, w.rules.maxAge)
	if why == needsATitle {
		title, err := w.titles.of(ctx, e.Member, now)
		if err != nil {
			return err
		}
		if why = w.judge(e, &title, now, w.rules.maxAge); why == told {
			if len(w.batch) == 0 {
				w.due = now.Add(w.rules.batch)
			}
			w.batch = append(w.batch, wording[w.language].item(e, title))
		}
	}
	if why == tooOld {
		w.old++
	}
	w.logger.Debug("decided", "robot", w.name, "id", e.ID, "verdict", why)
	return nil
}

// commit makes messages of what is ripe; the rest of the batch waits on. From then on they are to be sent as they are, and
// their events are done with.
func (w *worker) commit(ctx context.Context, batch, rest []item) error {
	writer := writer{robot: w.name, phrases: wording[w.language], zone: w.rules.zone}
	w.st.Outbox = nil
	for _, together := range w.messages(batch) {
		w.st.Outbox = append(w.st.Outbox, writer.messages(together, w.now())...)
	}
	w.batch, w.st.AheadTo = rest, w.reader.seen
	for _, it := range batch {
		delete(w.over, it.meeting)
		w.st.Ahead = append(w.st.Ahead, fingerprintOf(it.id))
	}
	if err := w.save(ctx); err != nil {
		return err
	}
	for _, it := range batch {
		w.said.add(fingerprintOf(it.id))
	}
	if err := w.said.keep(ctx, w.entry.bucket, w.name); err != nil {
		w.logger.Debug("which events are told is not kept", "robot", w.name, "error", err)
	}
	return nil
}
