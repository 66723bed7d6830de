package wire

import "github.com/c4342123/rollcall/events"

// Bounds of the texts that are taken over from DingTalk, in bytes. What DingTalk gives out is far
// below them. They are the same for lists, information and pushes, so that all show the same.
const (
	MaxUnionID = 128
	MaxNick    = 256
	MaxTitle   = 512
)

// MaxTime is the last time that is taken over, in Unix milliseconds: an event could not say a later
// one.
const MaxTime = events.MaxTime

// BlockedStatus is the status of the reply to an address that is blocked for having called too
// often.
const BlockedStatus = 1111
