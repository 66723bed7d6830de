package simulator

import (
	"crypto/subtle"
	"fmt"
	"math/rand/v2"
	"time"
)

// tokens hands out access tokens, one at a time, and knows which are good.
type tokens struct {
	fixed   string
	life    time.Duration
	renew   bool
	rng     *rand.Rand
	current string
	expires time.Time
	issued  int
}

func newTokens(s Settings, seed uint64) *tokens {
	return &tokens{
		fixed: s.AccessToken, life: time.Duration(s.TokenLife), renew: s.RenewToken,
		rng: rand.New(rand.NewPCG(seed, 1)),
	}
}

// issue returns the token in force, or a new one, and how long it is good for.
func (t *tokens) issue(now time.Time) (token string, left time.Duration) {
	if t.current == "" || !now.Before(t.expires) {
		t.current = fmt.Sprintf("%016x%016x", t.rng.Uint64(), t.rng.Uint64())
		t.expires = now.Add(t.life)
		t.issued++
	}
	if t.renew {
		t.expires = now.Add(t.life)
	}
	return t.current, t.expires.Sub(now)
}

// good says whether a call with this token may pass.
func (t *tokens) good(token string, now time.Time) bool {
	return same(token, t.fixed) || same(token, t.current) && now.Before(t.expires)
}

// revoke makes the token in force bad, so that the next call for one gets another.
func (t *tokens) revoke() { t.current = "" }

// same compares secrets in constant time; nothing is the same as an empty one.
func same(a, b string) bool {
	return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
