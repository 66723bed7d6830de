package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/events"
)

// version is that of the file.
const version = 1

// The kinds of objects in a file, which stand between the events: what begins them is followed by
// one of these.
const (
	objectPrefix     = `{"evidence":`
	headerObject     = "header"
	leafObject       = "leaf"
	tilesObject      = "tiles"
	checkpointObject = "checkpoint"
	erasedObject     = "erased"
)

// Header is the first line of a file.
type Header struct {
	Evidence string `json:"evidence"`
	Version  int    `json:"version"`
	// Origin is that of the log.
	Origin string `json:"origin"`
	// Size is how many leaves the log has by the checkpoint at the end of the file; 0 when there is
	// none.
	Size int64 `json:"size"`
	// Meetings are those in the file, in its order.
	Meetings []HeaderMeeting `json:"meetings"`
}

// HeaderMeeting names a meeting in the file, and how many of its events follow.
type HeaderMeeting struct {
	ConferenceID string `json:"conferenceId"`
	Events       int    `json:"events"`
}

// leaf stands behind an event that closes a meeting, or behind what an erased one has left, if the
// checkpoint covers it: where it is in the log.
type leaf struct {
	Evidence string `json:"evidence"`
	Index    int64  `json:"index"`
	Hash     string `json:"hash"` // of the event
}

// tiles are the hashes of leaves of the log, from the given tile on.
type tiles struct {
	Evidence string `json:"evidence"`
	Index    int64  `json:"index"`
	Hashes   string `json:"hashes"` // one after the other, in base64
}

// erased stands where an event was erased.
type erased struct {
	Evidence string `json:"evidence"`
	events.Hole
}

// checkpoint is the last line of a file.
type checkpoint struct {
	Evidence string `json:"evidence"`
	// Checkpoint is the signed note; empty when there is none.
	Checkpoint string `json:"checkpoint"`
	// SHA256 is the hash of the hashes of all lines before this one, each without its end, in
	// lower-case hex.
	SHA256 string `json:"sha256"`
}

var errNotCanonical = errors.New("it is not written as Rollcall writes it")

// kindOf is the kind of object on a line; empty of an event.
func kindOf(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(objectPrefix))
	if !ok {
		return ""
	}
	kind, _, ok := text(rest)
	if !ok {
		return "?"
	}
	return string(kind)
}

// read reads an object, which can be written in one way only.
func read[T any](line []byte) (T, error) {
	var into T
	if err := json.Unmarshal(line, &into); err != nil {
		return into, fmt.Errorf("%w: %w", errNotCanonical, err)
	}
	again, err := json.Marshal(into)
	if err == nil && !bytes.Equal(again, line) {
		err = errNotCanonical
	}
	return into, err
}

// decode returns the hashes of a tile.
func (t tiles) decode() ([]Hash, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(t.Hashes)
	if err != nil || len(raw)%len(Hash{}) != 0 || base64.StdEncoding.EncodeToString(raw) != t.Hashes {
		return nil, errNotCanonical
	}
	return SplitTile(raw), nil
}

// SplitTile returns the hashes of leaves that stand one after the other.
func SplitTile(raw []byte) []Hash {
	hashes := make([]Hash, len(raw)/len(Hash{}))
	for i := range hashes {
		copy(hashes[i][:], raw[i*len(Hash{}):])
	}
	return hashes
}
