package events_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/events"
)

// link encodes an event as the next one of a chain, sealed if key is not nil.
func link(t require.TestingT, chain events.Chain, e events.Event, key nkeys.KeyPair) ([]byte, events.Chain) {
	e.Previous, e.Salt = chain.Last.String(), "AAECAwQFBgcICQoLDA0ODw"
	if key == nil {
		payload, err := events.Encode(e)
		require.NoError(t, err)
		return payload, chain.Add(payload)
	}
	public, err := key.PublicKey()
	require.NoError(t, err)
	s := &events.Seal{Events: chain.Events, Hash: e.Previous, Key: public}
	if e.Gap != nil {
		g := *e.Gap
		g.Seal = s
		e.Gap = &g
	} else {
		m := *e.Meeting
		m.Seal = s
		e.Meeting = &m
	}
	unsigned, err := events.Encode(e)
	require.NoError(t, err)
	signature, err := key.Sign(events.SealText(e.Source, s, events.HashOf(unsigned)))
	require.NoError(t, err)
	s.Signature = events.FormatSignature(signature)
	payload, err := events.Encode(e)
	require.NoError(t, err)
	return payload, chain.Add(payload)
}

// wholeChain is a meeting's events as they are stored: a start, people, a gap, people, an end.
func wholeChain(t require.TestingT, key nkeys.KeyPair) (payloads [][]byte) {
	var chain events.Chain
	add := func(e events.Event, key nkeys.KeyPair) {
		var payload []byte
		payload, chain = link(t, chain, e, key)
		payloads = append(payloads, payload)
	}
	add(meeting(events.MeetingStarted, at-1000, events.Meeting{Reason: events.StartWatched}), nil)
	for i := range 3 {
		add(member(func(e *events.Event) {
			e.Sequence = uint64(i + 1)
			e.Member.UserNick = fmt.Sprintf(`Ann "signature":"%d"`, i)
		}), nil)
	}
	add(gap(0, "begin"), key)
	add(gap(at+1, "end"), key)
	add(member(func(e *events.Event) { e.Sequence = 4 }), nil)
	add(meeting(events.MeetingEnded, at+9, events.Meeting{EndTime: at + 9, Reason: events.EndEnded}), key)
	return payloads
}

// check is how a consumer checks a meeting that has ended: the number of events before the first
// that does not fit, and why it does not.
func check(payloads [][]byte, key string) (int, error) {
	var chain events.Chain
	sealed := false
	for i, payload := range payloads {
		e, err := events.Decode(payload)
		if err != nil {
			return i, err
		}
		if chain, err = chain.Follow(payload, &e); err != nil {
			return i, err
		}
		if sealed = false; e.Seal() == nil {
			continue
		}
		if e.Seal().Key != key {
			return i, fmt.Errorf("%w: another key", events.ErrChain)
		}
		if err := events.CheckSeal(payload, &e); err != nil {
			return i, err
		}
		sealed = e.Type == events.MeetingEnded
	}
	if !sealed {
		return len(payloads), fmt.Errorf("%w: no sealed end", events.ErrChain)
	}
	return len(payloads), nil
}

func newKey(t require.TestingT) (nkeys.KeyPair, string) {
	key, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := key.PublicKey()
	require.NoError(t, err)
	return key, public
}

func TestAChainThatIsWholeFits(t *testing.T) {
	key, public := newKey(t)
	payloads := wholeChain(t, key)
	_, err := check(payloads, public)
	require.NoError(t, err)
	for i := range payloads {
		rest := slices.Delete(slices.Clone(payloads), i, i+1)
		_, err := check(rest, public)
		require.Error(t, err, "without event %d", i)
		_, err = check(slices.Insert(slices.Clone(payloads), i, payloads[i]), public)
		require.ErrorIs(t, err, events.ErrChain, "event %d twice", i)
		_, err = check(payloads[:i], public)
		require.Error(t, err, "the first %d", i)
	}
}

// Whatever byte of whatever event is changed, whatever events are moved, is found.
func TestNothingOfAChainCanBeChanged(t *testing.T) {
	key, public := newKey(t)
	payloads := wholeChain(t, key)
	for i, payload := range payloads {
		for at := range payload {
			changed := slices.Clone(payloads)
			changed[i] = slices.Clone(payload)
			changed[i][at] ^= []byte{1, 0x20}[at%2]
			_, err := check(changed, public)
			require.Error(t, err, "event %d, byte %d: %q", i, at, changed[i][max(0, at-20):at+1])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		moved := rapid.Permutation(payloads).Draw(t, "order")
		_, err := check(moved, public)
		if slices.EqualFunc(moved, payloads, slices.Equal[[]byte]) {
			require.NoError(t, err)
			return
		}
		require.Error(t, err)
	})
}

// Who can write, but not sign, cannot make a chain of their own of it.
func TestAChainOfAnotherKeyIsFound(t *testing.T) {
	key, public := newKey(t)
	forger, _ := newKey(t)
	_, err := check(wholeChain(t, forger), public)
	require.ErrorContains(t, err, "another key")

	// What follows upon the last gap again, with the true end's seal.
	payloads := wholeChain(t, key)
	var chain events.Chain
	for i, payload := range payloads[:len(payloads)-1] {
		if i == len(payloads)-2 {
			e, err := events.Decode(payload)
			require.NoError(t, err)
			e.Member.UserNick = "Eve"
			payload, _ = link(t, chain, e, nil)
			payloads[i] = payload
		}
		chain = chain.Add(payload)
	}
	_, err = check(payloads, public)
	require.ErrorIs(t, err, events.ErrChain)
	end, err := events.Decode(payloads[len(payloads)-1])
	require.NoError(t, err)
	end.Previous, end.Meeting.Seal.Hash = chain.Last.String(), chain.Last.String()
	payloads[len(payloads)-1], err = events.Encode(end)
	require.NoError(t, err)
	_, err = check(payloads, public)
	require.ErrorContains(t, err, "not signed by")
}

// A signature has one way to be written: another one would not change the event's meaning, but its
// hash.
func TestASignatureIsWrittenInOneWay(t *testing.T) {
	key, public := newKey(t)
	payloads := wholeChain(t, key)
	last := payloads[len(payloads)-1]
	from, to, err := events.SignatureAt(last)
	require.NoError(t, err)
	signature := string(last[from:to])
	spare := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", signature[85])
	for name, other := range map[string]string{
		"padded": signature + "==", "with a line end": signature + `\n`, "escaped": fmt.Sprintf(`\u%04x`, signature[0]) + signature[1:],
		"with spare bits": signature[:85] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[spare|1]),
	} {
		payloads[len(payloads)-1] = slices.Concat(last[:from], []byte(other), last[to:])
		_, err := check(payloads, public)
		require.ErrorIs(t, err, events.ErrChain, name)
	}
}

func TestParseHash(t *testing.T) {
	h := events.HashOf([]byte("x"))
	back, err := events.ParseHash(h.String())
	require.NoError(t, err)
	require.Equal(t, h, back)
	require.Equal(t, events.NoHash, events.Hash{}.String())
	for _, bad := range []string{"", "00", strings.ToUpper(previousHash), previousHash + "00", strings.Repeat("g", 64)} {
		_, err := events.ParseHash(bad)
		require.ErrorIs(t, err, events.ErrChain)
	}
}
