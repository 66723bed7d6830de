package evidence

import (
	"bytes"
	"errors"
)

// attributes are those of an event that the chain is about, as they stand in its payload. What is
// absent is nil.
type attributes struct{ source, kind, previous, sequence []byte }

var errNoObject = errors.New("it is neither an event nor an object of evidence")

// scan reads the attributes of an event. A million events are read one after the other, so it looks
// at nothing else: not at the data, which Rollcall writes last, and whose bytes are what counts.
func scan(line []byte) (attributes, error) {
	var a attributes
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return a, errNoObject
	}
	rest := line[1 : len(line)-1]
	for len(rest) > 0 {
		key, after, ok := text(rest)
		if !ok || len(after) == 0 || after[0] != ':' {
			return a, errNoObject
		}
		if string(key) == "data" {
			return a, nil
		}
		value, after, ok := value(after[1:])
		if !ok || len(after) == 1 || len(after) > 0 && after[0] != ',' {
			return a, errNoObject
		}
		if into := a.of(key); into != nil {
			if *into != nil || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
				return a, errNoObject
			}
			*into = value[1 : len(value)-1]
		}
		if rest = after; len(rest) > 0 {
			rest = rest[1:]
		}
	}
	return a, nil
}

// of returns where an attribute is kept; nil for one that is not.
func (a *attributes) of(key []byte) *[]byte {
	switch string(key) {
	case "source":
		return &a.source
	case "type":
		return &a.kind
	case "previous":
		return &a.previous
	case "sequence":
		return &a.sequence
	default:
		return nil
	}
}

// text reads a JSON string and returns what is between its quotation marks, as it is written.
func text(in []byte) (inside, after []byte, ok bool) {
	if len(in) == 0 || in[0] != '"' {
		return nil, nil, false
	}
	for from := 1; ; {
		end := bytes.IndexByte(in[from:], '"')
		if end < 0 {
			return nil, nil, false
		}
		escape := bytes.IndexByte(in[from:from+end], '\\')
		if escape < 0 {
			return in[1 : from+end], in[from+end+1:], true
		}
		if from += escape + 2; from > len(in) {
			return nil, nil, false
		}
	}
}

// value reads a JSON value, without looking at what is in it.
func value(in []byte) (value, after []byte, ok bool) {
	if len(in) == 0 {
		return nil, nil, false
	}
	if in[0] == '"' {
		_, after, ok = text(in)
		return in[:len(in)-len(after)], after, ok
	}
	if in[0] != '{' && in[0] != '[' {
		end := bytes.IndexByte(in, ',')
		if end < 0 {
			end = len(in)
		}
		return in[:end], in[end:], end > 0
	}
	depth := 0
	for rest := in; ; {
		at := bytes.IndexAny(rest, `"{}[]`)
		if at < 0 {
			return nil, nil, false
		}
		switch rest[at] {
		case '"':
			if _, rest, ok = text(rest[at:]); !ok {
				return nil, nil, false
			}
			continue
		case '{', '[':
			depth++
		default:
			depth--
		}
		if rest = rest[at+1:]; depth == 0 {
			return in[:len(in)-len(rest)], rest, true
		}
	}
}
