package events

// Erased is the data of PersonErased: what somebody's name stood in is gone from the meeting.
type Erased struct {
	ConferenceID string `json:"conferenceId"`
	// Events is how many events were erased, each of which has left a hole.
	Events int    `json:"events"`
	Holes  []Hole `json:"holes"`
	Reason string `json:"reason"` // as whoever ordered it gave it
	By     string `json:"by"`     // by whose order; may be empty
	At     int64  `json:"at"`     // when that was, in Unix milliseconds
	// Seal is nil, and absent from the payload, where events are not sealed.
	Seal *Seal `json:"seal,omitempty"`
}

// Hole is what an erased event has left.
type Hole struct {
	// Sequence is the event's; 0 for one that had none.
	Sequence uint64 `json:"sequence"`
	// Hash is that of its payload, and Previous the hash that it named. Both are empty of an event that
	// was not chained: without a salt it could be guessed from its hash.
	Hash     string `json:"hash"`
	Previous string `json:"previous"`
}

// Forget is the data of PersonForget: who is to be forgotten. [Event.Subject] names guests, too.
type Forget struct {
	ConferenceID string   `json:"conferenceId"`
	UnionID      string   `json:"unionId"` // empty for a guest
	IDs          []string `json:"ids"`     // of the events that were erased
}

// Holes are what was erased of one meeting, as all of its events say that tell of it. The zero value
// is that nothing was. It is not safe for concurrent use.
type Holes struct {
	events    int
	told      map[string]bool // by the ids of events
	sequences map[uint64]bool
	after     map[string]Hole // by Previous
}

// Add takes over what an event says, once. Of other types than PersonErased it says nothing.
func (h *Holes) Add(e *Event) {
	if e.Erased == nil || h.told[e.ID] {
		return
	}
	if h.told == nil {
		h.told, h.sequences, h.after = map[string]bool{}, map[uint64]bool{}, map[string]Hole{}
	}
	h.told[e.ID] = true
	h.events += e.Erased.Events
	for _, hole := range e.Erased.Holes {
		if hole.Sequence > 0 {
			h.sequences[hole.Sequence] = true
		}
		if hole.Hash != "" {
			h.after[hole.Previous] = hole
		}
	}
}

// People is how many people were forgotten.
func (h *Holes) People() int { return len(h.told) }

// Events is how many events were erased.
func (h *Holes) Events() int { return h.events }

// Explain tells whether all events from one sequence to another were erased; of none that is so.
func (h *Holes) Explain(from, to uint64) bool {
	switch {
	case from > to:
		return true
	case to-from >= uint64(len(h.sequences)):
		return false
	}
	for n := from; n <= to; n++ {
		if !h.sequences[n] {
			return false
		}
	}
	return true
}

// Over returns the chain up to an event that names the one before it: over the holes that lie
// between, if there are. Without them it is the chain as it was.
func (h *Holes) Over(c Chain, previous string) Chain {
	over := c
	for range len(h.after) {
		if over.Last.String() == previous {
			return over
		}
		hole, ok := h.after[over.Last.String()]
		if !ok {
			return c
		}
		hash, err := ParseHash(hole.Hash)
		if err != nil {
			return c
		}
		over = Chain{Events: over.Events + 1, Last: hash}
	}
	if over.Last.String() == previous {
		return over
	}
	return c
}

func (x *Erased) append(w *writer) {
	w.str("conferenceId", x.ConferenceID)
	w.int("events", int64(x.Events))
	w.key("holes")
	w.list()
	for _, hole := range x.Holes {
		w.between()
		w.open()
		w.uint("sequence", hole.Sequence)
		w.str("hash", hole.Hash)
		w.str("previous", hole.Previous)
		w.close()
	}
	w.endList()
	w.str("reason", x.Reason)
	w.str("by", x.By)
	w.int("at", x.At)
	x.Seal.append(w)
}

func (f *Forget) append(w *writer) {
	w.str("conferenceId", f.ConferenceID)
	w.str("unionId", f.UnionID)
	w.key("ids")
	w.list()
	for _, id := range f.IDs {
		w.between()
		w.quoted(id)
	}
	w.endList()
}
