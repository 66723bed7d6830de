package bot

import "time"

const (
	// longestDigest is how long what happens waits for the end of its meeting at most.
	longestDigest = 12 * time.Hour
	// maxAhead bounds how many events are told before others that wait, and so the size of an entry: then those are told, too.
	maxAhead = 1000
)

// digests tells whether a meeting is told in one message, when it is over: as the rules say, or because the month's pushes,
// on which messages draw, run short.
func (w *worker) digests() bool {
	on := w.digest == digestAlways || w.digest == digestAuto && w.quota.short()
	if on != w.brief && w.digest == digestAuto {
		w.logger.Info("the month's pushes run short: a meeting is told in one message, when it is over", "robot", w.name, "begins", on)
	}
	return on
}

// end takes note that a meeting is over.
func (w *worker) end(meeting string) {
	for _, it := range w.batch {
		if it.meeting == meeting {
			if w.over == nil {
				w.over = map[string]bool{}
			}
			w.over[meeting] = true
			return
		}
	}
}

// ripe parts the batch into what is to be told now, and what waits for more.
func (w *worker) ripe() (ripe, rest []item) {
	now := w.now()
	switch {
	case len(w.batch) == 0:
		return nil, nil
	case len(w.batch) >= maxBatchEvents, len(w.st.Ahead)+len(w.batch) > maxAhead:
		return w.batch, nil
	case !w.brief && now.Before(w.due):
		return nil, w.batch
	case !w.brief:
		return w.batch, nil
	}
	longest := longestDigest
	if w.rules.maxAge > 0 {
		longest = min(longest, w.rules.maxAge/2)
	}
	for _, meeting := range group(w.batch, byMeeting) {
		if w.over[meeting[0].meeting] || now.Sub(meeting[0].at) >= longest {
			ripe = append(ripe, meeting...)
		} else {
			rest = append(rest, meeting...)
		}
	}
	return ripe, rest
}

// messages are the items that become one message each time, if they are not too many: in a digest those of a meeting.
func (w *worker) messages(batch []item) [][]item {
	if w.brief {
		return group(batch, byMeeting)
	}
	return [][]item{batch}
}
