package access

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reports are what a test was told.
type reports struct {
	mu   sync.Mutex
	last error
}

func (r *reports) Failed(_ string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = err
}

func (r *reports) failing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last != nil
}

const patience = 10 * time.Second

func TestKeysFollowTheFile(t *testing.T) {
	path := file(t, "tokens:\n"+line("office", "the office", "read"))
	keys, err := OpenKeys("the setting's", path, "")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	var told reports
	go func() {
		defer close(ended)
		keys.Follow(ctx, time.Millisecond, &told)
	}()
	defer func() { cancel(); <-ended }()
	in := func(token string) bool {
		_, ok := keys.Find(token)
		return ok
	}
	caller, ok := keys.Find("the office")
	require.True(t, ok)
	assert.Equal(t, Caller{Kind: ByToken, Name: "office", Scopes: Scopes{Read}}, caller)
	caller, ok = keys.Find("the setting's")
	require.True(t, ok)
	assert.Equal(t, Caller{Kind: ByToken, Name: DefaultToken, Scopes: Scopes{Admin}}, caller)
	assert.False(t, in("other"))
	assert.False(t, in(""))

	write := func(content string) { require.NoError(t, os.WriteFile(path, []byte(content), 0o600)) }
	write("tokens:\n" + line("office", "the office", "read") + line("it", "the it", "watch"))
	require.Eventually(t, func() bool { return in("the it") }, patience, time.Millisecond, "one was added")
	write("tokens: [ this is half of")
	require.Eventually(t, told.failing, patience, time.Millisecond)
	assert.True(t, in("the it") && in("the office"), "those in force stay")
	require.NoError(t, os.Remove(path))
	require.Eventually(t, told.failing, patience, time.Millisecond)
	assert.True(t, in("the it"))
	write("tokens:\n" + line("it", "the it", "watch"))
	require.Eventually(t, func() bool { return !in("the office") }, patience, time.Millisecond, "one was taken out")
	assert.True(t, in("the it") && in("the setting's"))
	require.Eventually(t, func() bool { return !told.failing() }, patience, time.Millisecond)
	write("")
	require.Eventually(t, told.failing, patience, time.Millisecond, "somebody is about to write it")
	assert.True(t, in("the it"))
	write("tokens: []")
	require.Eventually(t, func() bool { return !in("the it") }, patience, time.Millisecond)
	assert.True(t, keys.set(), "a file that holds none is a file")
}

func TestKeysThatCannotBeOpened(t *testing.T) {
	_, err := OpenKeys("", "/nowhere/tokens.yaml", "")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = OpenKeys("x", file(t, "tokens:\n"+line("default", "y", "read")), "")
	require.ErrorContains(t, err, "the setting api-token is one")
	_, err = OpenKeys("x", file(t, "tokens:\n"+line("a", "x", "read")), "")
	require.ErrorContains(t, err, "the same token")
	assert.False(t, errors.Is(err, os.ErrNotExist))
}

func TestATokenForAnotherOrganisationIsRefused(t *testing.T) {
	of := func(corpID, line string) string { return strings.Replace(line, "}", ", organisation: "+corpID+"}", 1) }
	theirs := "tokens:\n" + line("a", "x", "read") + of("dingother", line("b", "y", "read"))
	ours := "tokens:\n" + of("dingours", line("a", "x", "read"))
	_, err := OpenKeys("", file(t, theirs), "dingours")
	require.ErrorContains(t, err, "the token b is for the organisation dingother, and this service has only dingours")
	path := file(t, ours)
	keys, err := OpenKeys("", path, "dingours")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(theirs), 0o600))
	require.NoError(t, keys.read(), "it counts when it is found twice")
	require.ErrorContains(t, keys.read(), "dingother")
	_, in := keys.Find("x")
	assert.True(t, in, "those in force stay")
	_, in = keys.Find("y")
	assert.False(t, in)
	_, err = OpenKeys("", file(t, theirs), "")
	require.NoError(t, err)
}
