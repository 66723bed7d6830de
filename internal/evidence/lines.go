package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/c4342123/rollcall/events"
)

const (
	// maxLine bounds a line in bytes: the header's has room for half a million meetings.
	maxLine = 64 << 20
	// readAhead is how much is read at a time.
	readAhead = 64 << 10
)

// Misfit is the first line that does not fit. Where a file ends too early that is the line behind
// its last.
type Misfit struct {
	File string
	Line int
	What string
}

// Error says where it is, and what.
func (m *Misfit) Error() string { return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.What) }

// lines reads a file line by line.
type lines struct {
	name   string
	reader *bufio.Reader
	number int          // of the line read last, from 1
	line   []byte       // read last, without its end; nil before the first
	long   []byte       // holds a line that is longer than what is read at a time
	hash   *events.Hash // of the line, once somebody wants to know
	before hash.Hash    // of the hashes of the lines before it
}

func newLines(name string, in io.Reader) *lines {
	return &lines{name: name, reader: bufio.NewReaderSize(in, readAhead), before: sha256.New()}
}

// next returns the next line without its end, which is good until the next call; [io.EOF] behind
// the last.
func (l *lines) next() ([]byte, error) {
	if l.line != nil {
		sum := l.sum()
		l.before.Write(sum[:])
	}
	l.line, l.hash = nil, nil
	line, err := l.read()
	if len(line) == 0 && errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	l.number++
	switch {
	case errors.Is(err, io.EOF):
		return nil, l.misfit("it does not end with a newline: the file was cut, or its line ends were changed")
	case err != nil:
		return nil, err
	}
	if l.line = line[:len(line)-1]; bytes.HasSuffix(l.line, []byte("\r")) {
		return nil, l.misfit("its line end was changed (CRLF)")
	}
	return l.line, nil
}

// sum is the hash of the line that was read last.
func (l *lines) sum() events.Hash {
	if l.hash == nil {
		sum := events.HashOf(l.line)
		l.hash = &sum
	}
	return *l.hash
}

// read reads up to the end of a line.
func (l *lines) read() ([]byte, error) {
	line, err := l.reader.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	l.long = l.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) && len(l.long) < maxLine {
		l.long = append(l.long, line...)
		line, err = l.reader.ReadSlice('\n')
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, &Misfit{l.name, l.number + 1, "it is too long"}
	}
	l.long = append(l.long, line...)
	return l.long, err
}

// misfit is about the line that was read last.
func (l *lines) misfit(format string, args ...any) error {
	return l.misfitAt(l.number, format, args...)
}

func (l *lines) misfitAt(number int, format string, args ...any) error {
	return &Misfit{l.name, number, fmt.Sprintf(format, args...)}
}
