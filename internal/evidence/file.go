package evidence

import (
	"cmp"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/events"
)

// foundLeaf is an event in the file that is said to be a leaf of the log.
type foundLeaf struct {
	index int64
	hash  Hash
	line  int
}

// file checks one file.
type file struct {
	*lines
	opts   *Options
	header Header
	source string // what begins the sources of its events

	at       int // of the meeting in the header
	meeting  *meeting
	finished []finished
	leaves   []foundLeaf
	log      *logCheck // once the tiles have begun
	signed   Checkpoint
	signer   string
	end      int // the checkpoint's line
}

// finished is a meeting that was checked.
type finished struct {
	id       string
	proven   bool
	seen     int
	erased   int
	restarts int
	missing  uint64
	signers  []string
}

// openFile reads the header of a file.
func openFile(in File, opts *Options) (*file, error) {
	f := &file{lines: newLines(in.Name, in.Reader), opts: opts}
	line, err := f.next()
	if errors.Is(err, io.EOF) {
		return nil, f.misfitAt(1, "the file is empty")
	}
	if err != nil {
		return nil, err
	}
	if kindOf(line) != headerObject {
		return nil, f.misfit("it is no header of evidence, as rollcall replay --evidence writes it")
	}
	if f.header, err = read[Header](line); err != nil {
		return nil, f.misfit("%v", err)
	}
	return f, f.checkHeader()
}

func (f *file) checkHeader() error {
	h := f.header
	corpID, ok := strings.CutPrefix(h.Origin, originPrefix)
	switch {
	case h.Version != version:
		return f.misfit("its version is %d, not %d: a newer rollcall may read it", h.Version, version)
	case !ok:
		return f.misfit("its origin is %.80q", h.Origin)
	case h.Size < 0 || h.Size > maxSize:
		return f.misfit("its size is %d", h.Size)
	}
	f.source = events.SourceOf(corpID) + "/conferences/"
	names := make(map[string]bool, len(h.Meetings))
	for _, m := range h.Meetings {
		if events.CheckConferenceID(m.ConferenceID) != nil || m.Events < 1 || names[m.ConferenceID] {
			return f.misfit("it names meeting %.80q twice, or without events", m.ConferenceID)
		}
		names[m.ConferenceID] = true
	}
	f.begin()
	return nil
}

// begin goes on to the meeting at f.at; there may be none.
func (f *file) begin() {
	f.meeting = nil
	if f.at < len(f.header.Meetings) {
		name := f.header.Meetings[f.at]
		f.meeting = &meeting{lines: f.lines, opts: f.opts, name: name, source: f.source + name.ConferenceID}
	}
}

// finish ends the meeting.
func (f *file) finish() error {
	m := f.meeting
	if err := m.finish(); err != nil {
		return err
	}
	f.finished = append(f.finished, finished{
		m.name.ConferenceID, !m.open, m.seen, m.erased, m.restarts, m.missing, m.signers,
	})
	f.at++
	f.begin()
	return nil
}

// check reads the file to its end.
func (f *file) check(sizes []int64) error {
	for f.end == 0 {
		line, err := f.next()
		if errors.Is(err, io.EOF) {
			return f.misfitAt(f.number+1, "the file ends too early: it ends with a checkpoint")
		}
		if err != nil {
			return err
		}
		if err := f.take(line, sizes); err != nil {
			return err
		}
	}
	_, err := f.next()
	if err == nil {
		err = f.misfit("the file ends with the checkpoint before it")
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// take takes the next line.
func (f *file) take(line []byte, sizes []int64) error {
	kind := kindOf(line)
	if f.log != nil && kind != tilesObject && kind != checkpointObject {
		return f.misfit("it stands behind the meetings")
	}
	switch kind {
	case "", erasedObject:
		return f.takeEvent(line, kind)
	case leafObject:
		return f.takeLeaf(line)
	case tilesObject, checkpointObject:
		if f.log == nil {
			if err := f.finishAll(); err != nil {
				return err
			}
			f.log = newLogCheck(f, sizes)
		}
		if kind == tilesObject {
			return f.log.tiles(line)
		}
		return f.takeCheckpoint(line)
	default:
		return f.misfit("it is an object %.40q, which does not belong here", kind)
	}
}

func (f *file) takeEvent(line []byte, kind string) error {
	if f.meeting != nil && f.meeting.seen == f.meeting.name.Events {
		if err := f.finish(); err != nil {
			return err
		}
	}
	switch {
	case f.meeting == nil:
		return f.misfit("the header names no more events")
	case kind == "":
		return f.meeting.event(line)
	}
	object, err := read[erased](line)
	if err != nil {
		return f.misfit("%v", err)
	}
	return f.meeting.hole(object.Hole)
}

func (f *file) takeLeaf(line []byte) error {
	l, err := read[leaf](line)
	switch {
	case err != nil:
		return f.misfit("%v", err)
	case f.meeting == nil || f.meeting.line == 0:
		return f.misfit("there is no event before it")
	case l.Index < 0 || l.Index >= f.header.Size:
		return f.misfit("it is leaf %d of a log of %d", l.Index, f.header.Size)
	}
	found, err := f.meeting.inLog(l)
	f.leaves = append(f.leaves, found)
	return err
}

// finishAll ends the last meeting, and puts the leaves in the order of the log.
func (f *file) finishAll() error {
	if f.meeting != nil {
		if err := f.finish(); err != nil {
			return err
		}
	}
	if f.meeting != nil {
		return f.misfit("meeting %s is missing before it", f.meeting.name.ConferenceID)
	}
	slices.SortFunc(f.leaves, func(a, b foundLeaf) int { return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.line, b.line)) })
	for i := 1; i < len(f.leaves); i++ {
		if f.leaves[i].index == f.leaves[i-1].index {
			return f.misfitAt(f.leaves[i].line, "line %d has the same place in the log", f.leaves[i-1].line)
		}
	}
	return nil
}

// takeCheckpoint takes the last line.
func (f *file) takeCheckpoint(line []byte) error {
	object, err := read[checkpoint](line)
	if err != nil {
		return f.misfit("%v", err)
	}
	if err := f.log.complete(); err != nil {
		return err
	}
	if object.Checkpoint != "" {
		if f.signed, f.signer, err = OpenCheckpoint([]byte(object.Checkpoint), f.opts.Keys); err != nil {
			return f.misfit("%v", err)
		}
		if err := f.log.agrees(f.signed); err != nil {
			return err
		}
	} else if err := f.unsigned(); err != nil {
		return err
	}
	if object.SHA256 != hex.EncodeToString(f.before.Sum(nil)) {
		return f.misfit("the lines before it were changed")
	}
	f.end = f.number
	return nil
}

// unsigned is what a file without a checkpoint has to be.
func (f *file) unsigned() error {
	switch {
	case f.header.Size != 0:
		return f.misfit("it has no checkpoint, but the header tells of a log of %d", f.header.Size)
	case f.opts.All:
		return f.misfit("there is no checkpoint, so nothing tells which meetings there are")
	case !f.opts.Open:
		return f.misfit("there is no checkpoint")
	}
	return nil
}
