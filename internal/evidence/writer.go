package evidence

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/c4342123/rollcall/events"
)

// Log finds leaves in the log.
type Log interface {
	// Index returns where a leaf is in the log, and whether it is there.
	Index(leaf Hash) (int64, bool)
	// Tile returns the leaves of a tile, as many as the checkpoint covers.
	Tile(index int64) []Hash
}

// Writer writes a file. Its methods have to be called in the order of the file: the meetings as the
// header names them, each with its events in the order of the stream; then Close.
type Writer struct {
	out    io.Writer
	sum    hash.Hash // of the hashes of the lines
	header Header
	log    Log

	last  string                 // of the meeting: the hash of its last event
	holes map[string]events.Hole // of the meeting, by their Previous
}

// NewWriter begins a file. The header's kind and version are set by it.
func NewWriter(out io.Writer, header Header, log Log) (*Writer, error) {
	header.Evidence, header.Version = headerObject, version
	if header.Meetings == nil {
		header.Meetings = []HeaderMeeting{}
	}
	w := &Writer{out: out, sum: sha256.New(), header: header, log: log}
	return w, w.object(header)
}

// Meeting begins the next meeting. Told are those of its events that say which were erased.
func (w *Writer) Meeting(told ...[]byte) {
	w.last, w.holes = events.NoHash, map[string]events.Hole{}
	for _, payload := range told {
		e, err := events.Decode(payload)
		if err != nil || e.Erased == nil {
			continue // what it says is for those who check
		}
		for _, hole := range e.Erased.Holes {
			if hole.Hash != "" { // it was chained
				w.holes[hole.Previous] = hole
			}
		}
	}
}

// ErrNoEvent is wrapped by the error for a payload that no line can be made of.
var ErrNoEvent = errors.New("it cannot be an event of Rollcall")

// Event writes an event, as it is stored, and before it what stands for those that were erased.
func (w *Writer) Event(payload []byte) error {
	a, err := scan(payload)
	if err != nil || kindOf(payload) != "" || !oneLine(payload) {
		return ErrNoEvent
	}
	if err := w.erasedUpTo(string(a.previous)); err != nil {
		return err
	}
	if err := w.line(payload); err != nil {
		return err
	}
	sum := events.HashOf(payload)
	w.last = sum.String()
	if a.previous == nil || !Closes(events.Type(a.kind)) {
		return nil
	}
	return w.leaf(sum)
}

func oneLine(payload []byte) bool {
	for _, c := range payload {
		if c == '\n' || c == '\r' {
			return false
		}
	}
	return true
}

// erasedUpTo writes the holes between the last event and one that has the given previous.
func (w *Writer) erasedUpTo(previous string) error {
	var found []events.Hole
	at := w.last
	for at != previous {
		hole, ok := w.holes[at]
		if !ok || len(found) > len(w.holes) {
			return nil // what is missing was not erased
		}
		found, at = append(found, hole), hole.Hash
	}
	for _, hole := range found {
		if err := w.object(erased{erasedObject, hole}); err != nil {
			return err
		}
		sum, err := events.ParseHash(hole.Hash)
		if err != nil {
			return err
		}
		if err := w.leaf(sum); err != nil {
			return err
		}
	}
	return nil
}

// leaf writes where an event is in the log, if it is.
func (w *Writer) leaf(event events.Hash) error {
	index, ok := w.log.Index(LeafHash(event))
	if !ok {
		return nil
	}
	return w.object(leaf{leafObject, index, event.String()})
}

// Close writes the log and the signed checkpoint, which may be empty.
func (w *Writer) Close(signed []byte) error {
	for i := range Tiles(w.header.Size) {
		var raw []byte
		for _, leaf := range w.log.Tile(i) {
			raw = append(raw, leaf[:]...)
		}
		if err := w.object(tiles{tilesObject, i, base64.StdEncoding.EncodeToString(raw)}); err != nil {
			return err
		}
	}
	return w.object(checkpoint{checkpointObject, string(signed), hex.EncodeToString(w.sum.Sum(nil))})
}

func (w *Writer) object(object any) error {
	line, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return w.line(line)
}

func (w *Writer) line(line []byte) error {
	sum := events.HashOf(line)
	w.sum.Write(sum[:])
	_, err := w.out.Write(append(slices.Clip(line), '\n'))
	return err
}
