package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ReadStrictYAML reads a YAML file of at most 1 MiB into a value. It refuses keys that the value
// does not have, keys set twice, keys without a value, and a second document. Errors name the file
// and the lines and show no value of the file: it may be a secret.
func ReadStrictYAML(path string, into any) error {
	content, err := ReadBounded(path, maxSettingsFile)
	if err != nil {
		return err
	}
	if err := decodeStrict(content, into); err != nil {
		return fmt.Errorf("%s%w", path, err)
	}
	return nil
}

func decodeStrict(content []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return errors.New(": is empty")
	case err != nil:
		return yamlError(err)
	}
	if line := nothing(&document); line > 0 {
		return fmt.Errorf(`:%d: something has no value; write "" for an empty one`, line)
	}
	if err := decoder.Decode(&second); err == nil {
		return fmt.Errorf(":%d: a second document; one is allowed", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return yamlError(err)
	}
	decoder = yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true) // which the decoding of a node does not know
	var wrong *yaml.TypeError
	switch err := decoder.Decode(into); {
	case errors.As(err, &wrong):
		texts := inWords(wrong)
		for i, text := range texts {
			texts[i] = strings.TrimPrefix(text, "line ")
		}
		return errors.New(":" + strings.Join(texts, "; "))
	case err != nil:
		return yamlError(err)
	}
	return nil
}

// nothing returns the line of the first value that is left out, or 0.
func nothing(node *yaml.Node) int {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return node.Line
	}
	for _, child := range node.Content {
		if line := nothing(child); line > 0 {
			return line
		}
	}
	return 0
}

// What the library says of values that do not fit, with the types of our source in it.
var (
	unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)
	wrongKind  = regexp.MustCompile(`(?s)cannot unmarshal !!(\w+).* into (\S+)$`)
)

// kinds are what YAML calls the kinds of values.
var kinds = map[string]string{"map": "a mapping", "seq": "a list"}

// PlainYAML says in our words what does not fit the value that YAML was decoded into. Other errors
// are returned as they are.
func PlainYAML(err error) error {
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		return errors.New(strings.Join(inWords(wrong), "; "))
	}
	return err
}

func inWords(err *yaml.TypeError) []string {
	texts := make([]string, len(err.Errors))
	for i, text := range err.Errors {
		text = unknownKey.ReplaceAllString(text, "unknown key $1")
		text = wrongKind.ReplaceAllStringFunc(text, func(match string) string {
			parts := wrongKind.FindStringSubmatch(match)
			if parts[1] == "seq" && strings.Contains(parts[2], ".") && wanted(parts[2]) == aMapping { // it may be one of our mappings, or of our words
				return "a list where none is wanted"
			}
			return fmt.Sprintf("%s where %s is wanted", cmp.Or(kinds[parts[1]], "a single value"), wanted(parts[2]))
		})
		texts[i] = text
	}
	return texts
}

const aMapping = "a mapping"

// wanted names the kind of value that a Go type holds.
func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case goType == "bool":
		return "true or false"
	case goType == "string" || strings.HasSuffix(goType, ".Secret"):
		return "a text"
	case goType == "int" || goType == "float64":
		return "a number"
	}
	return aMapping
}

// ReadSecretFile reads a secret from a file that holds it and nothing else. Line ends after it do
// not count.
func ReadSecretFile(path string) (Secret, error) {
	secret, err := readSecret(path)
	return Secret(secret), err
}
