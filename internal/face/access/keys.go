package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/c4342123/rollcall/internal/config"
)

// Keys are the tokens in force.
type Keys struct {
	path         string // of the file; empty without one
	organisation string // the only one there is; empty where any may be
	fixed        []Token
	ring         atomic.Pointer[ring]
	seen         []byte // what the file held when it was read last
}

type ring struct {
	byHash map[Hash]Token
	byName map[string]Token
}

// OpenKeys returns the tokens in force: a token that may do everything, where one is given, and
// those of a file, where one is named. None of the file may be for another organisation than the
// given one; empty stands for any.
func OpenKeys(token, path, organisation string) (*Keys, error) {
	k := &Keys{path: path, organisation: organisation}
	if token != "" {
		k.fixed = []Token{{Name: DefaultToken, Hash: HashOf(token), Scopes: Scopes{Admin}}}
	}
	if err := k.read(); err != nil {
		return nil, err
	}
	return k, nil
}

// errEmpty is of a file that somebody is about to write, or that lost what it held.
var errEmpty = errors.New("it is empty; a file without tokens is tokens: []")

// read puts those in force that the file holds. When it cannot, those in force stay.
func (k *Keys) read() error {
	all := k.fixed
	if k.path != "" {
		content, err := config.ReadBounded(k.path, maxFile)
		if err != nil {
			return err
		}
		// Whoever writes the file in place leaves it half written for a moment.
		if k.ring.Load() != nil && !bytes.Equal(content, k.seen) {
			k.seen = content
			return nil
		}
		k.seen = content
		tokens, err := k.tokens(content)
		if err != nil {
			return fmt.Errorf("%s: %w", k.path, err)
		}
		all = append(tokens, k.fixed...)
	}
	r := &ring{map[Hash]Token{}, map[string]Token{}}
	for _, t := range all {
		r.byHash[t.Hash], r.byName[t.Name] = t, t
	}
	k.ring.Store(r)
	return nil
}

// tokens are those of the file, none of which may be the one of the settings, or be for an
// organisation that there is not.
func (k *Keys) tokens(content []byte) ([]Token, error) {
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, errEmpty
	}
	tokens, err := parse(content)
	for _, t := range tokens {
		if err := clash(k.fixed, t); err != nil {
			return nil, fmt.Errorf("%w: the setting api-token is one", err)
		}
		if t.Organisation != "" && k.organisation != "" && t.Organisation != k.organisation {
			return nil, fmt.Errorf("the token %s is for the organisation %s, and this service has only %s (the setting dingtalk-corp-id): remove it, or its organisation",
				t.Name, t.Organisation, k.organisation)
		}
	}
	return tokens, err
}

// Reporter is told how the reading of the file goes; nil is that it went well.
type Reporter interface {
	Failed(key string, err error)
}

// Follow reads the file again and again, until ctx ends. What it holds counts when it is found
// twice. While it cannot be read, the tokens in force stay.
func (k *Keys) Follow(ctx context.Context, every time.Duration, to Reporter) {
	if k.path == "" {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			to.Failed("token file", k.read())
		case <-ctx.Done():
			return
		}
	}
}

// Find returns who has a token. A token is found by its hash, so that how long that takes tells
// nothing about it.
func (k *Keys) Find(token string) (Caller, bool) {
	t, ok := k.ring.Load().byHash[HashOf(token)]
	return t.caller(), ok
}

// set tells whether there is a token, or a file that could hold one.
func (k *Keys) set() bool { return k.path != "" || len(k.fixed) > 0 }

// Number is how many tokens are in force.
func (k *Keys) Number() int { return len(k.ring.Load().byHash) }

func (k *Keys) named(name string) (Token, bool) {
	t, ok := k.ring.Load().byName[name]
	return t, ok
}
