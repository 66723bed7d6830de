package bot

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pattern is a text to compare with: * stands for any characters, ? for one, and case does not
// matter. One that begins with an exclamation mark says what is left out.
type pattern struct {
	re  *regexp.Regexp
	out bool
}

// maxPattern bounds a pattern, in bytes.
const maxPattern = 500

// UnmarshalYAML reads a pattern.
func (p *pattern) UnmarshalYAML(node *yaml.Node) error {
	text, out := strings.CutPrefix(node.Value, "!")
	if node.Kind != yaml.ScalarNode || text == "" || len(text) > maxPattern {
		return at(node, errors.New("want a text with * and ? in it, such as Weekly*"))
	}
	quoted := regexp.QuoteMeta(text)
	quoted = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(quoted)
	re, err := regexp.Compile(`(?is)^` + quoted + `$`)
	if err != nil { // not a text that a title could be, such as invalid UTF-8
		return at(node, errors.New("cannot be compared with anything"))
	}
	*p = pattern{re: re, out: out}
	return nil
}

// patterns match a text that none of them leaves out and that one of the others fits, if there are
// others.
type patterns []pattern

func (ps patterns) match(text string) bool {
	wanted, fits := false, false
	for _, p := range ps {
		switch hit := p.re.MatchString(text); {
		case p.out && hit:
			return false
		case !p.out:
			wanted, fits = true, fits || hit
		}
	}
	return fits || !wanted
}

// words match a text that is one of them; none match every text.
type words []string

func (ws words) match(text string) bool {
	if slices.Contains(ws, text) {
		return true
	}
	return len(ws) == 0
}
