// Package consumer processes the events of Rollcall by a durable JetStream consumer: every event,
// also those of the time when the program did not run, in the order of the stream.
//
// [Run] makes the durable consumer or takes up the one that is there, decodes the events, calls a
// [Handler] for each and acknowledges what the handler has processed. A handler that fails is
// called again, later and later. A slow one is given the time it needs. What is no event is
// reported and never comes again.
//
// # Once
//
// The stream holds no event twice, but a consumer may be sent one again: when the program ended, or
// lost its connection, between the handler's return and the server's receipt of the
// acknowledgement. While the program runs, Run remembers what was processed and not acknowledged,
// and the handler is not called again. Over a restart there are three ways:
//
//   - The handler can do the same twice without harm, because it stores what it makes of an event
//     under the event's ID, as "INSERT ... ON CONFLICT DO NOTHING" does. Then nothing else is
//     needed, and the effect is exactly once.
//   - The handler stores the ID in the same transaction as what it makes of the event, and
//     [Options.Memory] looks there. The effect is exactly once, too. The example of an audit trail
//     does so, with a file.
//   - A [Memory] of its own, such as [KV], is told of an event once the handler has returned. Then
//     a lost acknowledgement or a consumer that was made anew repeats nothing. A crash in the
//     moment between the handler's return and the memory's still does: no memory that is apart from
//     the effect can prevent that.
//
// # Loss
//
// A stream that is deleted takes its consumers with it. While Run goes on it waits until there is a
// stream again, which Rollcall makes within seconds, makes the consumer again, and processes all
// that is stored there, whatever Since and OnlyNew say; in one that is restored from a backup it
// goes on where it was. Rollcall announces anew what it watches, with the ids that the events had:
// the latest 20,000 that this run has processed are not processed again, nor is what a [Memory]
// knows. An event whose handler failed until then, and which is not announced anew, is gone. A
// program that did not run meanwhile makes its consumer as if for the first time.
//
// # Order
//
// With [Options.InFlight] at its default of 1 events are processed one after the other, in the
// order of the stream, and one that fails holds up those behind it. With more, those of different
// meetings and of one meeting may overtake each other; [events.Event.Sequence] tells their order.
//
// # Evidence
//
// A consumer of all events, one after the other, can check as they come that none of a meeting's was
// changed, left out or moved: the example that follows chains shows how.
package consumer
