package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/config"
)

// maxFile bounds a token file, in bytes.
const maxFile = 1 << 20

// entry is a token as a file holds it.
type entry struct {
	Name         string   `yaml:"name"`
	Hash         string   `yaml:"hash"`
	Scopes       []string `yaml:"scopes,flow"`
	Organisation string   `yaml:"organisation,omitempty"`
}

func entryOf(t Token) entry {
	e := entry{Name: t.Name, Hash: t.Hash.String(), Organisation: t.Organisation}
	for _, scope := range t.Scopes {
		e.Scopes = append(e.Scopes, string(scope))
	}
	return e
}

// ReadFile reads a token file. Its errors show no hash, nor what stands in the place of one.
func ReadFile(path string) ([]Token, error) {
	content, err := config.ReadBounded(path, maxFile)
	if err != nil {
		return nil, err
	}
	tokens, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tokens, nil
}

func parse(content []byte) ([]Token, error) {
	var file struct {
		Tokens []yaml.Node `yaml:"tokens"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	switch err := decoder.Decode(&file); {
	case errors.Is(err, io.EOF): // an empty file
		return nil, nil
	case err != nil:
		return nil, withoutValues(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document")
	}
	tokens := make([]Token, 0, len(file.Tokens))
	for i := range file.Tokens {
		node := &file.Tokens[i]
		t, err := tokenOf(node)
		if err == nil {
			err = clash(tokens, t)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", node.Line, err)
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// withoutValues is an error of reading YAML, which may quote what stands in the file.
func withoutValues(err error) error {
	if _, ok := errors.AsType[*yaml.TypeError](err); ok {
		return errors.New("want tokens: and below it a list of name, hash, scopes and perhaps organisation, and nothing else")
	}
	return errors.New("it is no YAML")
}

var errEntry = errors.New("want name, hash, scopes as a list, perhaps organisation, and nothing else")

func tokenOf(node *yaml.Node) (Token, error) {
	var e entry
	if err := strictly(node, &e); err != nil {
		return Token{}, errEntry
	}
	hash, err := parseHash(e.Hash)
	if err != nil {
		return Token{}, err
	}
	scopes, err := ParseScopes(e.Scopes...)
	if err != nil {
		return Token{}, err
	}
	return Token{e.Name, hash, scopes, e.Organisation}, errors.Join(CheckName(e.Name), CheckOrganisation(e.Organisation))
}

// strictly decodes a part of a document, in which no field may be unknown: a node by itself would
// let those pass.
func strictly(node *yaml.Node, into any) error {
	part, err := yaml.Marshal(node)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(part))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

// clash tells why a token cannot stand beside others.
func clash(others []Token, t Token) error {
	for _, other := range others {
		switch {
		case other.Name == t.Name:
			return fmt.Errorf("there is another token %s", t.Name)
		case other.Hash == t.Hash:
			return fmt.Errorf("%s and %s are the same token", other.Name, t.Name)
		}
	}
	return nil
}
