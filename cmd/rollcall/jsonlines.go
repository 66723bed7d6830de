package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// bufferSize is how much is written at a time.
const bufferSize = 64 << 10

// jsonLines writes events, one a line, and remembers up to which position of the stream all are
// written.
type jsonLines struct {
	w        io.Writer
	position bool // add the position to each event
	escape   bool // w is a terminal

	buf          []byte
	passed, done uint64
	count        int // of the events
}

// add takes an event. What is no JSON object gives an error that wraps [reading.ErrNoEvent].
func (l *jsonLines) add(m reading.Message) error {
	data, err := oneLine(m.Data)
	if err != nil {
		l.passed = m.Sequence
		return err
	}
	if l.escape {
		data = plaintext.Escaped(data)
	}
	if l.position {
		l.buf = append(l.buf, `{"streamsequence":"`...)
		l.buf = strconv.AppendUint(l.buf, m.Sequence, 10)
		l.buf = append(l.buf, '"')
		if data = data[1:]; len(data) > 1 {
			l.buf = append(l.buf, ',')
		}
	}
	l.buf = append(append(l.buf, data...), '\n')
	l.passed = m.Sequence
	l.count++
	if len(l.buf) < bufferSize {
		return nil
	}
	return l.flush()
}

// pass records that everything up to a position has been handled.
func (l *jsonLines) pass(sequence uint64) { l.passed = max(l.passed, sequence) }

// flush writes what was added.
func (l *jsonLines) flush() error {
	if len(l.buf) > 0 {
		if _, err := l.w.Write(l.buf); err != nil {
			return err
		}
	}
	l.buf, l.done = l.buf[:0], max(l.done, l.passed)
	return nil
}

// oneLine makes sure that an event is one JSON object on one line, as every one is that Rollcall
// stored.
func oneLine(data []byte) ([]byte, error) {
	if n := len(data); n >= 2 && data[0] == '{' && data[n-1] == '}' && bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return data, nil
	}
	value := jsontext.Value(bytes.Clone(data))
	if err := value.Compact(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", reading.ErrNoEvent, err)
	}
	if value.Kind() != '{' {
		return nil, fmt.Errorf("%w: it is no JSON object", reading.ErrNoEvent)
	}
	return value, nil
}
