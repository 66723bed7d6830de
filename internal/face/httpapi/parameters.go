package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/internal/base/problem"
)

// parameters are those that a path knows in the query of a request, and how often each may be
// given.
type parameters map[string]occurrence

type occurrence int

const (
	once occurrence = iota
	repeated
)

// and are those of both.
func (p parameters) and(also parameters) parameters {
	out := maps.Clone(p)
	if out == nil {
		out = parameters{}
	}
	maps.Copy(out, also)
	return out
}

// only lets those requests through whose query the path understands. What would be ignored is
// refused: a filter that is misspelt must not answer with everything.
func (p parameters) only(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := p.check(r.URL.RawQuery); err != nil {
			problem.Write(w, http.StatusBadRequest, err.Error())
			return
		}
		next(w, r)
	}
}

// check says what is wrong with a query, naming the parameter.
func (p parameters) check(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("the query cannot be read: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch occurrence, known := p[name]; {
		case !known:
			return fmt.Errorf("query parameter %q is unknown here; known are: %s", name, p)
		case occurrence == once && len(query[name]) > 1:
			return fmt.Errorf("%s: is given %d times, and may be given once", name, len(query[name]))
		}
	}
	return nil
}

// String names the parameters to a person.
func (p parameters) String() string {
	if len(p) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(p)), ", ")
}
