package api

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// object reads a JSON object. each is called with the name of every member and has to read its
// value; the name is valid only until it does.
func object(dec *jsontext.Decoder, each func(name []byte) error) error {
	if dec.PeekKind() != '{' {
		return unexpected(dec, "not an object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		name := raw[1 : len(raw)-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			// It has been read, so only bad UTF-8 is left to go wrong.
			name, _ = jsontext.AppendUnquote(nil, raw)
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// unexpected is an error about the kind of the next value, or the syntax error that hides it.
func unexpected(dec *jsontext.Decoder, text string) error {
	if err := dec.SkipValue(); err != nil {
		return err
	}
	return errors.New(text)
}
