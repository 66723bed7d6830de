// Package events is what a consumer of Rollcall imports: the events a meeting produces, their
// subjects and ids, the decoding of a message, and the fold that turns a meeting's events back into
// who was there and when.
//
// The package does no I/O and has no dependency on a NATS client: hand it the payload of a message,
// however you received it.
//
// # Subjects
//
// Every event is one message on the subject that its type names, so that [AllMembers] is everybody
// who joins, leaves or is kicked anywhere, and again by meeting, so that [OfMeeting] is one
// meeting's history. A subscriber to "conference.>" therefore sees every event twice, under the
// same id: pick one view. All of them are in the JetStream stream [Stream].
//
// # Once
//
// A core NATS subscriber gets an event at most once, a JetStream consumer at least once. No event
// is stored twice, and [Event.ID] is the same whichever replica observed the fact, and however
// often: a consumer that remembers the ids it has processed processes each event once. The examples
// show both, and package consumer does the latter.
//
// # Order
//
// A meeting's member events are numbered by [Event.Sequence] from 1, without gaps, and the stream
// has them in that order. A person's events always alternate: joined, then left or kicked, then
// joined. [Roster] holds a consumer to both. Presence is a person's, not a device's: somebody with
// two devices joins with the first and leaves with the last.
//
// # Evidence
//
// The events of a meeting are chained: [Event.Previous] is the hash of the payload of the one before
// it. What ends a part of a meeting carries a [Seal], which is signed. [Chain.Follow] tells whether
// an event is the next of its meeting, and [CheckSeal] whether a seal is signed by the key that it
// names; which keys are Rollcall's is to be known from elsewhere. An example of package consumer
// checks both as the events come.
//
// # Versions
//
// The payload is a CloudEvent 1.0 in structured JSON that follows the JSON Schema in [Schema]. New
// fields may come at any time, and [Decode] ignores what it does not know; anything else changes
// the version in [SchemaURI].
package events
