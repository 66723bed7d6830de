package dingtalk

import (
	"log/slog"
	"sync"
	"sync/atomic"
)

// maxTotals is how many meetings with a differing total are remembered. Beyond it some are forgotten, and said again.
const maxTotals = 1024

// totals remembers of which meetings it has been said that their number of rows differs from totalCount. What
// totalCount counts is nowhere documented, so a difference may last for a meeting's whole life: it is said when it
// begins, when it turns from too many into too few or back, and when it is gone, but not whenever somebody comes.
type totals struct {
	mu   sync.Mutex
	said map[string]bool // by conferenceId: true when there were fewer rows than totalCount
}

// look takes note of a list of rows rows; total is -1 where none was given.
func (t *totals) look(log *slog.Logger, mismatches *atomic.Uint64, conferenceID string, rows int, total int64) {
	differs := total >= 0 && total != int64(rows)
	if differs {
		mismatches.Add(1)
	}
	switch t.note(conferenceID, differs, int64(rows) < total) {
	case sayDiffers:
		log.Warn("member list and its totalCount differ: absence from it means nothing",
			"conference", conferenceID, "rows", rows, "total", total)
	case sayAgrees:
		log.Info("member list and its totalCount agree again", "conference", conferenceID, "rows", rows)
	}
}

// what there is to say of a look.
type saying uint8

const (
	sayNothing saying = iota
	sayDiffers
	sayAgrees
)

func (t *totals) note(conferenceID string, differs, fewer bool) saying {
	t.mu.Lock()
	defer t.mu.Unlock()
	said, known := t.said[conferenceID]
	switch {
	case !differs && !known, differs && known && said == fewer:
		return sayNothing
	case !differs:
		delete(t.said, conferenceID)
		return sayAgrees
	}
	if !known && len(t.said) >= maxTotals {
		for forgotten := range t.said {
			delete(t.said, forgotten)
			break
		}
	}
	if t.said == nil {
		t.said = make(map[string]bool)
	}
	t.said[conferenceID] = fewer
	return sayDiffers
}
