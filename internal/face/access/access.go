package access

// Access says who may ask. The zero value, and nil, are open: there is nothing that could tell
// callers apart.
type Access struct {
	// Keys are the tokens in force. They are required.
	Keys     *Keys
	Sessions Sessions
	Failures Failures
}

// Open tells whether no token and no log-in is set. A file without a token does not open the door.
func (a *Access) Open() bool { return a == nil || !a.Keys.set() && len(a.Sessions.Groups) == 0 }
