package evidence_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/evidence"
)

// impostor signs with a key of his own, and says that it is another.
type impostor struct {
	nkeys.KeyPair
	claims nkeys.KeyPair
}

func (i impostor) PublicKey() (string, error) { return i.claims.PublicKey() }

// TestForgedMeetingsInARealLog are found by their seals, though the log has them.
func TestForgedMeetingsInARealLog(t *testing.T) {
	t.Parallel()
	genuine, own := key(t, 1), key(t, 2)
	for name, c := range map[string]struct {
		pair nkeys.KeyPair
		what string
	}{
		"by a key of his own":          {own, "which is none of the keys"},
		"that claims to be the real's": {impostor{own, genuine}, "is not signed by"},
	} {
		t.Run(name, func(t *testing.T) {
			l := log(t, genuine, tell(t, "a", c.pair).start().people(1).end())
			_, err := l.check(l.all(), evidence.Options{Open: true})
			found := misfit(t, err)
			assert.Equal(t, 5, found.Line)
			assert.Contains(t, found.What, c.what)
		})
	}
}

// TestWhatIsSaidOfTheLogIsHeldToIt also by somebody who makes the hash at the end of the file right.
func TestWhatIsSaidOfTheLogIsHeldToIt(t *testing.T) {
	t.Parallel()
	l := usual(t)
	whole := lines(l.all())
	first := func(begins string) int {
		return slices.IndexFunc(whole, func(line []byte) bool { return bytes.HasPrefix(line, []byte(begins)) })
	}
	leaf, tile := first(`{"evidence":"leaf"`), first(`{"evidence":"tiles"`)
	for name, c := range map[string]struct {
		line      int
		old, with string
		want      int
	}{
		"a leaf in another place":  {leaf, `"index":0`, `"index":5`, leaf + 1},
		"two leaves in one place":  {leaf, `"index":0`, `"index":2`, 0},
		"a leaf that is another":   {tile, string(whole[tile][36:50]), "AAAAAAAAAAAAAA", 0},
		"somebody else's leaf":     {tile, string(whole[tile][600:614]), "AAAAAAAAAAAAAA", 0},
		"a leaf behind the last":   {leaf, `"index":0`, `"index":303`, leaf + 1},
		"a larger log in the head": {0, `"size":303`, `"size":304`, 0},
		"a smaller one":            {0, `"size":303`, `"size":302`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			file := slices.Clone(whole)
			file[c.line] = bytes.Replace(file[c.line], []byte(c.old), []byte(c.with), 1)
			_, err := l.check(bytes.Join(resealed(t, file), nil), evidence.Options{Open: true})
			found := misfit(t, err)
			if c.want > 0 {
				assert.Equal(t, c.want, found.Line, err)
			}
		})
	}
}

// TestTheHeaderCounts the events of meetings that nothing seals, too.
func TestTheHeaderCounts(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	closed, open := tell(t, "a", pair).start().people(1).end(), tell(t, "b", pair).start().people(2)
	l := log(t, pair, closed)
	whole := lines(l.file(1, closed, open))
	last := 1 + len(closed.payloads) + 1 + len(open.payloads) - 1
	_, err := l.check(bytes.Join(resealed(t, slices.Delete(slices.Clone(whole), last, last+1)), nil), evidence.Options{Open: true})
	assert.Equal(t, last+1, misfit(t, err).Line, err)
	assert.Contains(t, err.Error(), fmt.Sprintf("1 of the %d events of meeting b are missing", len(open.payloads)))
}
