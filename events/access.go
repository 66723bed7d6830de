package events

// Access is the data of AccessRead: who was shown what. It holds no token, and does not say which
// member or person was asked about, as an event that does would have to be erased with them.
type Access struct {
	// What was shown: "roster", "report", "person" or "events", a stream of them. A later version may
	// have more.
	What string `json:"what"`
	// By is how the reader is known: "token", "person" for one who logged in at the organisation's
	// provider, or "local" where nothing is set that could tell readers apart.
	By string `json:"by"`
	// Name is the token's, or what the provider calls the person; empty for "local".
	Name string `json:"name"`
	// Meeting is whose data was shown, by its conferenceId; empty, and absent from the payload, where it
	// was not one meeting's.
	Meeting string `json:"conferenceId,omitempty"`
}

func (a *Access) append(w *writer) {
	w.str("what", a.What)
	w.str("by", a.By)
	w.str("name", a.Name)
	if a.Meeting != "" {
		w.str("conferenceId", a.Meeting)
	}
}

// validate holds the meeting, where there is one, to what can be one.
func (a *Access) validate() error {
	if a.Meeting == "" {
		return nil
	}
	return CheckConferenceID(a.Meeting)
}
