package api

import "sync"

// Bounds of what is remembered of lists. Beyond maxHabits a meeting is forgotten, which costs it an
// uncertain look.
const (
	maxHabits  = 1024
	maxDevices = 4096 // of one meeting
)

// rereadEvery is how often, in looks, a list that never agrees is still read twice: only a second
// reading tells a new device from a list that moved, and the reason why the list did not agree may
// be gone.
const rereadEvery = 8

// habit is what a look has to know of those before it.
type habit struct {
	// devices are the marks, sorted, of the rows that were repeated whenever the list was read
	// last: of people with several devices. Otherwise such a list would be taken for one that
	// moved, and read twice, without end.
	devices []uint64
	// differed counts the looks in a row in which the list did not agree, read twice or not.
	differed int
}

// rereads tells whether a list that does not agree is worth another reading. One that did not agree
// in three looks, read twice each, has a reason that stays: its totalCount counts something else,
// or its pages overlap.
func (h habit) rereads() bool { return h.differed < patience || h.differed%rereadEvery == 0 }

// habits remembers them by meeting.
type habits struct {
	mu        sync.Mutex
	byMeeting map[string]habit
}

func (h *habits) of(conferenceID string) habit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byMeeting[conferenceID]
}

// remember replaces what is known of a meeting.
func (h *habits) remember(conferenceID string, now habit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(now.devices) > maxDevices {
		now.devices = nil
	}
	if len(now.devices) == 0 && now.differed == 0 {
		delete(h.byMeeting, conferenceID)
		return
	}
	remember(&h.byMeeting, maxHabits, conferenceID, now)
}
