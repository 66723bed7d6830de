package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNoSession says that there is no such session, or not any more.
var ErrNoSession = errors.New("there is no such session")

// Store keeps sessions where all replicas find them. Its keys are hexadecimal digits.
type Store interface {
	// Put keeps a value until it is deleted or has expired.
	Put(ctx context.Context, key string, value []byte) error
	// Get returns it; [ErrNoSession] when there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Delete forgets it. There need be none.
	Delete(ctx context.Context, key string) error
}

// Sessions are browsers that have logged in. Each has a random name that only the browser knows:
// what is kept is found by its hash.
type Sessions struct {
	// Life is how long a session lasts.
	Life  time.Duration
	Store Store
	// Keys are the tokens in force: a session that began with one ends with it.
	Keys *Keys
	// Groups says what people may do, by their groups at the organisation's log-in.
	Groups Groups
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// session is what is kept of one.
type session struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	// Proof is that of the token that the session began with: it tells nobody what the token is,
	// and is another one for another token of the name.
	Proof  string   `json:"proof,omitempty"`
	Groups []string `json:"groups,omitempty"` // of a person, those that count
	Began  int64    `json:"began"`            // Unix ms
	Ends   int64    `json:"ends"`             // Unix ms
}

func (s Sessions) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// BeginWithToken begins a session with a token that is in force, and returns its name.
func (s Sessions) BeginWithToken(ctx context.Context, token string) (string, error) {
	name := rand.Text()
	caller, ok := s.Keys.Find(token)
	if !ok {
		return "", ErrNoSession
	}
	return name, s.begin(ctx, name, session{Kind: ByToken, Name: caller.Name, Proof: proof(name, HashOf(token))})
}

// BeginWithPerson begins a session of a person who has some of the groups that may do something,
// and returns its name.
func (s Sessions) BeginWithPerson(ctx context.Context, person string, groups []string) (string, error) {
	name := rand.Text()
	return name, s.begin(ctx, name, session{Kind: ByPerson, Name: person, Groups: s.Groups.known(groups)})
}

func (s Sessions) begin(ctx context.Context, name string, kept session) error {
	now := s.now()
	kept.Began, kept.Ends = now.UnixMilli(), now.Add(s.Life).UnixMilli()
	value, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return s.Store.Put(ctx, keyOf(name), value)
}

// Find returns whose session a name is. It returns [ErrNoSession] when it has ended, or what it
// began with counts no more, and any other error when that cannot be told.
func (s Sessions) Find(ctx context.Context, name string) (Caller, error) {
	value, err := s.Store.Get(ctx, keyOf(name))
	if err != nil {
		return Caller{}, err
	}
	var kept session
	if err := json.Unmarshal(value, &kept); err != nil {
		return Caller{}, fmt.Errorf("%w: %w", ErrNoSession, err)
	}
	if now := s.now().UnixMilli(); now >= kept.Ends || now >= kept.Began+s.Life.Milliseconds() {
		return Caller{}, ErrNoSession
	}
	switch kept.Kind {
	case ByToken:
		t, ok := s.Keys.named(kept.Name)
		if ok && hmac.Equal([]byte(proof(name, t.Hash)), []byte(kept.Proof)) {
			return t.caller(), nil
		}
	case ByPerson:
		if scopes := s.Groups.Scopes(kept.Groups); len(scopes) > 0 {
			return Caller{Kind: ByPerson, Name: kept.Name, Scopes: scopes}, nil
		}
	}
	return Caller{}, ErrNoSession
}

// End ends a session, everywhere. There need be none.
func (s Sessions) End(ctx context.Context, name string) error {
	return s.Store.Delete(ctx, keyOf(name))
}

func keyOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// proof ties a session to a token: only who knows the session's name can tell which.
func proof(name string, token Hash) string {
	mac := hmac.New(sha256.New, []byte(name))
	mac.Write(token[:])
	return hex.EncodeToString(mac.Sum(nil))
}

// Groups are the groups of people that may do something, and what.
type Groups map[string]Scopes

// Scopes returns what somebody may do who has these groups; none when they have no group that
// counts.
func (g Groups) Scopes(groups []string) (out Scopes) {
	for _, group := range groups {
		for _, scope := range g[group] {
			if !slices.Contains(out, scope) {
				out = append(out, scope)
			}
		}
	}
	return out
}

func (g Groups) known(groups []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(group string) bool { return len(g[group]) == 0 })
}

// ParseGroups reads groups and their scopes, such as staff=read;it=read,watch,admin.
func ParseGroups(text string) (Groups, error) {
	groups := Groups{}
	for part := range strings.SplitSeq(text, ";") {
		at := strings.LastIndex(part, "=") // a group may have one in its name
		if strings.TrimSpace(part) == "" {
			continue
		}
		if at < 1 {
			return nil, fmt.Errorf("%q is not a group, = and its scopes", part)
		}
		group := strings.TrimSpace(part[:at])
		scopes, err := ParseScopes(strings.Split(part[at+1:], ",")...)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", group, err)
		case groups[group] != nil:
			return nil, fmt.Errorf("%s is there twice", group)
		}
		groups[group] = scopes
	}
	if len(groups) == 0 {
		return nil, errors.New("no group is named")
	}
	return groups, nil
}
