package events

import (
	"fmt"
	"slices"
	"strings"
)

// ParseTypes reads names of types as people write them, each of which may be several with commas
// between: the type itself, its last word ("joined"), or a subject that stands for several
// ([AllMembers], [AllMeetings]). Every type is returned once. The error names what is none.
func ParseTypes(names ...string) ([]Type, error) {
	var out []Type
	for _, list := range names {
		for name := range strings.SplitSeq(list, ",") {
			found := named(strings.TrimSpace(name))
			if len(found) == 0 {
				return nil, fmt.Errorf("%q is none of %s", name, lastWords())
			}
			for _, t := range found {
				if !slices.Contains(out, t) {
					out = append(out, t)
				}
			}
		}
	}
	return out, nil
}

// named returns the types that a name stands for.
func named(name string) (found []Type) {
	for _, t := range Types() {
		switch name {
		case string(t), t.lastWord(), t.allOfItsKind():
			found = append(found, t)
		}
	}
	return found
}

// allOfItsKind is the subject that stands for all types of the same kind.
func (t Type) allOfItsKind() string {
	return strings.TrimSuffix(string(t), t.lastWord()) + "*"
}

func (t Type) lastWord() string { return string(t)[strings.LastIndexByte(string(t), '.')+1:] }

func lastWords() string {
	var words []string
	for _, t := range Types() {
		words = append(words, t.lastWord())
	}
	return strings.Join(words, ", ")
}
