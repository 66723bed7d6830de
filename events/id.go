package events

import (
	"crypto/sha1"
	"strconv"

	"github.com/google/uuid"
)

// namespace is the UUIDv5 namespace of every id. It is part of the contract: another one would give
// every past event a second id.
var namespace = uuid.MustParse("6f0b6a3e-6d0c-5d6e-9f3a-2b1c7d9e4a55")

// MemberID is the id of a member event: a UUIDv5 of the meeting, the person, the attendance (its
// announced start, in Unix milliseconds) and the verb. The same attendance always gets the same id.
func MemberID(conferenceID, person string, start int64, t Type) string {
	return id(conferenceID, person, start, t)
}

// MeetingID is the id of a meeting event. at is the meeting's start or end, or the beginning of a
// gap, in Unix milliseconds; part tells the two publications of a gap apart and is empty otherwise.
func MeetingID(conferenceID string, at int64, t Type, part string) string {
	return id(conferenceID, part, at, t)
}

// SightID is the id of an event about the source: from is when the live meetings were last listed,
// in Unix milliseconds.
func SightID(corpID string, from int64, t Type) string { return id(SourceOf(corpID), "", from, t) }

// CheckpointID is the id of the event of a checkpoint: size is how many leaves the log has, at when
// it was signed, in Unix milliseconds.
func CheckpointID(corpID string, size, at int64) string {
	return id(SourceOf(corpID), strconv.FormatInt(size, 10), at, AuditCheckpoint)
}

// AccessID is the id of an event about a reader: at is when, in Unix milliseconds; nonce tells apart
// what the same reader is shown in one millisecond.
func AccessID(corpID, nonce string, at int64) string {
	return id(SourceOf(corpID), nonce, at, AccessRead)
}

// id hashes the parts with a separator that none of the identifiers before the last can contain, so
// that no two different facts read the same. It is a UUID of version 5 as RFC 9562 has it;
// uuid.NewSHA1 makes the same of it, with five allocations.
func id(conferenceID, subject string, at int64, t Type) string {
	var room [256]byte
	name := append(room[:0], namespace[:]...)
	name = append(name, conferenceID...)
	name = append(name, 0)
	name = strconv.AppendInt(name, at, 10)
	name = append(name, 0)
	name = append(name, t...)
	name = append(name, 0)
	name = append(name, subject...)
	sum := sha1.Sum(name)
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
