package api

import (
	"log/slog"
	"sync"
	"sync/atomic"
)

// maxTotals is how many meetings with a differing total are remembered. Beyond it some are
// forgotten, and said again.
const maxTotals = 1024

// totals remembers of which meetings what was said of their list. What totalCount counts is nowhere
// documented, so a difference from the number of rows may last for a meeting's whole life: it is
// said when it begins, when it turns from too many into too few or back, and when it is gone, but
// not each time the difference changes.
type totals struct {
	mu   sync.Mutex
	said map[string]finding // by conferenceId; never inOrder
}

// finding is what there is to say of a list.
type finding uint8

const (
	inOrder finding = iota
	tooFew          // fewer rows than totalCount says
	tooMany         // more
	noEnd           // the list made no progress
)

// look takes note of a list that was read.
func (t *totals) look(log *slog.Logger, mismatches *atomic.Uint64, conferenceID string, w *walk) {
	rows := w.count() - w.moved
	if w.total >= 0 && w.total != int64(rows) {
		mismatches.Add(1)
	}
	found := w.finding()
	if !t.note(conferenceID, found) {
		return
	}
	switch found {
	case tooFew, tooMany:
		log.Warn("member list and its totalCount differ: absence from it means nothing",
			"conference", conferenceID, "rows", rows, "total", w.total)
	case noEnd:
		log.Warn("member list makes no progress from page to page: absence from it means nothing",
			"conference", conferenceID, "rows", rows, "pages", w.pages)
	case inOrder:
		log.Info("member list and its totalCount agree again", "conference", conferenceID, "rows", rows)
	}
}

func (w *walk) finding() finding {
	switch rows := int64(w.count() - w.moved); {
	case w.stuck:
		return noEnd
	case w.total > rows:
		return tooFew
	case w.total >= 0 && w.total < rows:
		return tooMany
	default:
		return inOrder
	}
}

// note takes note of what was found and tells whether that is news.
func (t *totals) note(conferenceID string, found finding) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.said[conferenceID] == found:
		return false
	case found == inOrder:
		delete(t.said, conferenceID)
	default:
		remember(&t.said, maxTotals, conferenceID, found)
	}
	return true
}
