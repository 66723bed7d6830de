// Package access says who asks over HTTP and what they may do: named tokens and their scopes, and
// the sessions of browsers that have logged in.
package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Scope is what a caller may do.
type Scope string

// The scopes.
const (
	Read  Scope = "read"  // every GET of /v1, and what is as harmless
	Watch Scope = "watch" // PUT and DELETE of meetings
	Erase Scope = "erase" // forgetting people
	Admin Scope = "admin" // everything
)

var known = []Scope{Read, Watch, Erase, Admin}

// Scopes are what a caller may do in all.
type Scopes []Scope

// Allow tells whether the scopes hold one, or the one that holds all.
func (s Scopes) Allow(scope Scope) bool {
	return slices.Contains(s, scope) || slices.Contains(s, Admin)
}

// String returns the scopes with commas between.
func (s Scopes) String() string {
	out := make([]string, len(s))
	for i, scope := range s {
		out[i] = string(scope)
	}
	return strings.Join(out, ",")
}

// ParseScopes reads scopes, of which there has to be one at least. Each counts once.
func ParseScopes(names ...string) (Scopes, error) {
	var out Scopes
	for _, name := range names {
		scope := Scope(strings.TrimSpace(name))
		switch {
		case !slices.Contains(known, scope):
			return nil, fmt.Errorf("%q is none of %s", name, Scopes(known))
		case !slices.Contains(out, scope):
			out = append(out, scope)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no scopes: want some of " + Scopes(known).String())
	}
	return out, nil
}
