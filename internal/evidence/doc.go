// Package evidence proves, away from the server, that a record of meetings is what Rollcall stored.
//
// The events of a meeting are a chain, and its end is sealed: see [events.Chain] and [events.Seal].
// What proves that a whole meeting was not taken out is the log: every event that closes a meeting
// is a leaf of one Merkle tree, as in RFC 6962, and the root of the tree is signed now and then, as
// a [Checkpoint]. A [Writer] writes all of that into one file, and [Check] reads such files and says
// what they prove, or where they break.
package evidence
