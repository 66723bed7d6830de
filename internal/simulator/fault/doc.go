// Package fault says what can go wrong with the calls, pushes, stream connections and robots of the
// simulated platform: the kinds of faults ([Kind]), what each does ([Kind.Stage], [Kind.Reply],
// [Page.Mangle]), and which of those that are switched on ([Set]) hit a call. It sends nothing: the
// simulator does to a connection what a fault demands.
package fault
