// Package bot tells DingTalk group robots who joined, left or was removed from meetings: what
// [Load] read from a rules file is told by [Run].
//
// # Once
//
// Every robot has one entry in the JetStream bucket [Bucket]: up to where in the stream it was
// told, the messages that are to be sent, when it was last sent something, and which process sends.
// The entry is only ever replaced by its next revision. A batch of events becomes messages, with
// their text and their msgUuid, in the same write that moves the position: from then on they wait
// in the entry, and the events are done with. Before each request that it is about to be made is
// written, after it how it went. So whatever happens between two steps, what follows is to send a
// message again that the robot may have said, under the same msgUuid, which a robot says once.
//
// # Loss
//
// Where the stream is another, or went back to a backup, the robot goes on with the first event
// that was stored later than the one it had come to; those that are announced anew are known by
// their ids, which are kept beside the entry. An entry that is gone with its bucket is as the
// process that tells the robot has it in memory.
//
// # One at a time
//
// The process that an entry names writes it every [beat]; others watch. When it has not changed for
// [takeover], by the watcher's own clock, the watcher puts its own name there. A process that was
// only slow finds out at its next write, and writes before it sends.
//
// # Never too many
//
// A request counts from when it was announced until a minute after its reply, by whichever process.
// At most 20 count at a time.
package bot
