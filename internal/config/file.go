package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of what is read: a settings file and a file with one secret are both far smaller.
const (
	maxSettingsFile = 1 << 20
	maxSecretFile   = 64 << 10
)

// entry is one setting of the settings file.
type entry struct {
	value string
	line  int
}

// readSettings reads the settings file: a mapping of keys to single values.
func readSettings(path string) (map[string]entry, error) {
	content, err := ReadBounded(path, maxSettingsFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the settings: %w", err)
	}
	entries, err := parseSettings(content)
	if err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	return entries, nil
}

// parseSettings reads YAML. Its errors begin with the line, if there is one, and never show a
// value.
func parseSettings(content []byte) (map[string]entry, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF): // an empty file
		return nil, nil
	case err != nil:
		return nil, yamlError(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf(":%d: a second document; one is allowed", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf(":%d: no settings: want lines such as log_level: debug", root.Line)
	}
	return mapping(root.Content)
}

// plainTags are those of the values that are read as they are written.
var plainTags = map[string]bool{"!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!timestamp": true}

func mapping(nodes []*yaml.Node) (map[string]entry, error) {
	entries := make(map[string]entry, len(nodes)/2)
	for i := 0; i+1 < len(nodes); i += 2 {
		key, value := nodes[i], nodes[i+1]
		first, double := entries[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf(":%d: a key that is no word", key.Line)
		case double:
			return nil, fmt.Errorf(":%d: %s: is set on line %d already", key.Line, key.Value, first.line)
		case value.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf(":%d: %s: wants a single value", key.Line, key.Value)
		case value.Tag == "!!null":
			return nil, fmt.Errorf(`:%d: %s: has no value; write "" for an empty one`, key.Line, key.Value)
		case !plainTags[value.Tag]:
			return nil, fmt.Errorf(":%d: %s: has a tag; quote a value that begins with an exclamation mark", key.Line, key.Value)
		}
		entries[key.Value] = entry{value: value.Value, line: key.Line}
	}
	return entries, nil
}

// yamlError puts the line in front, the way our own errors have it: "yaml: line 3: reason" becomes
// ":3: reason". An unknown anchor may be an unquoted secret that begins with an asterisk: it is not
// repeated.
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.Contains(text, "unknown anchor") {
		return errors.New(": unknown anchor; quote a value that begins with an asterisk")
	}
	if rest, found := strings.CutPrefix(text, "line "); found {
		return errors.New(":" + rest)
	}
	return errors.New(": " + text)
}

// readSecret reads a secret from a file that holds it and nothing else. Line ends after it do not
// count.
func readSecret(path string) (string, error) {
	content, err := ReadBounded(path, maxSecretFile)
	if err != nil {
		return "", fmt.Errorf("cannot read the secret: %w", err)
	}
	secret := strings.TrimRight(string(content), "\r\n")
	switch {
	case secret == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.ContainsAny(secret, "\r\n"):
		return "", fmt.Errorf("%s holds more than one line", path)
	}
	return secret, nil
}

// ReadBounded reads a file of at most limit bytes. Its errors name the file.
func ReadBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return content, nil
}
