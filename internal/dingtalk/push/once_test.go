package push

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// received records what reached it and fails as often as told.
type received struct {
	mu    sync.Mutex
	ids   []string
	fails int
}

var _ Receiver = (*received)(nil)

var errStore = errors.New("not stored")

func (r *received) Receive(_ context.Context, p Push) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, p.ID)
	if r.fails > 0 {
		r.fails--
		return errStore
	}
	return nil
}

// function is a [Receiver] made of a function.
type function func(ctx context.Context, p Push) error

func (f function) Receive(ctx context.Context, p Push) error { return f(ctx, p) }

func withID(id string) Push {
	p := annJoined()
	p.ID = id
	return p
}

func TestOnce(t *testing.T) {
	for name, c := range map[string]struct {
		pushes []Push
		fails  int
		want   []string
	}{
		"a repeated push stops here":           {[]Push{withID("a"), withID("b"), withID("a")}, 0, []string{"a", "b"}},
		"one that was not stored goes through": {[]Push{withID("a"), withID("a"), withID("a")}, 1, []string{"a", "a"}},
		"one without an id goes through":       {[]Push{withID(""), withID("")}, 0, []string{"", ""}},
		"one without notices goes through":     {[]Push{{ID: "a"}, {ID: "a"}}, 0, []string{"a", "a"}},
		"the oldest is forgotten": {
			[]Push{withID("a"), withID("b"), withID("c"), withID("d"), withID("b"), withID("a"), withID("d")},
			0,
			[]string{"a", "b", "c", "d", "a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &received{fails: c.fails}
			once := NewOnce(r, 3)
			for _, p := range c.pushes {
				if err := once.Receive(t.Context(), p); err != nil {
					require.ErrorIs(t, err, errStore)
				}
			}
			assert.Equal(t, c.want, r.ids)
		})
	}
}

func TestOnceTrustsNoIDAlone(t *testing.T) {
	r := &received{}
	once := NewOnce(r, 0)
	pushes := []Push{withID("a"), withID("a"), withID("a"), withID("a"), withID("a")}
	pushes[1].Time++
	pushes[2].Type += targetSuffix
	pushes[3].Notices[0].Scene = MemberLeft
	pushes[4].Notices[0].ConferenceID = "other"
	for range 2 {
		for _, p := range pushes {
			require.NoError(t, once.Receive(t.Context(), p))
		}
	}
	assert.Len(t, r.ids, len(pushes))
}

func TestOnceRemembersTwoCopiesAtTheSameTimeAsOne(t *testing.T) {
	var once *Once
	r := &received{}
	inner := false
	once = NewOnce(function(func(ctx context.Context, p Push) error {
		if !inner { // the copy comes while the first is being stored
			inner = true
			require.NoError(t, once.Receive(ctx, p))
		}
		return r.Receive(ctx, p)
	}), 2)
	for _, id := range []string{"a", "b", "a", "b"} {
		require.NoError(t, once.Receive(t.Context(), withID(id)))
	}
	assert.Equal(t, []string{"a", "a", "b"}, r.ids)
}

func TestOnceIsBounded(t *testing.T) {
	once := NewOnce(&received{}, 0)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2 * DefaultRemembered {
				assert.NoError(t, once.Receive(t.Context(), withID(fmt.Sprint(w%2, i))))
			}
		})
	}
	wg.Wait()
	assert.Len(t, once.ring, DefaultRemembered)
	assert.Len(t, once.stored, DefaultRemembered)
}
