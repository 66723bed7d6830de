package evidence_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
)

// usual are two meetings, one of which was watched again, and the leaves of others.
func usual(t *testing.T) *made {
	t.Helper()
	pair := key(t, 1)
	return log(t, pair,
		tell(t, "a", pair).start().people(3).gap().people(1).end(),
		tell(t, "b", pair).start().people(2).end().start().people(1).end(),
	).pad(300)
}

func TestWhatIsProven(t *testing.T) {
	t.Parallel()
	l := usual(t)
	got, err := l.check(l.all(), evidence.Options{})
	require.NoError(t, err)
	assert.Equal(t, "proven: 2 meetings, 21 events, log of 303 at 2026-11-30T09:00:00Z, key "+public(t, l.key), got.String())
	got, err = l.check(l.file(3, l.meetings...), evidence.Options{All: true})
	require.NoError(t, err)
	assert.Equal(t, "proven: 2 meetings, 21 events, log of 3 at 2026-11-30T09:00:00Z with nothing missing, key "+public(t, l.key), got.String())
}

// misfit is where a file does not fit; it fails where it does.
func misfit(t *testing.T, err error) *evidence.Misfit {
	t.Helper()
	found, ok := errors.AsType[*evidence.Misfit](err)
	require.True(t, ok, "%v", err)
	assert.NotContains(t, found.Error(), "\n")
	return found
}

// lines are the lines of a file, with their ends.
func lines(file []byte) [][]byte { return slices.Collect(bytes.Lines(file)) }

// resealed is the file with the hash at its end made right, which needs no key.
func resealed(t *testing.T, file [][]byte) [][]byte {
	t.Helper()
	last := slices.Concat(file...)
	if last = last[bytes.LastIndexByte(bytes.TrimSuffix(last, []byte("\n")), '\n')+1:]; !bytes.HasPrefix(last, []byte(`{"evidence":"checkpoint"`)) {
		return file
	}
	var object struct {
		Evidence   string `json:"evidence"`
		Checkpoint string `json:"checkpoint"`
		SHA256     string `json:"sha256"`
	}
	require.NoError(t, json.Unmarshal(last, &object))
	var hashes []byte
	for _, line := range file[:len(file)-1] {
		sum := events.HashOf(bytes.TrimSuffix(line, []byte("\n")))
		hashes = append(hashes, sum[:]...)
	}
	object.SHA256 = events.HashOf(hashes).String()
	again, err := json.Marshal(object)
	require.NoError(t, err)
	return append(slices.Clone(file[:len(file)-1]), append(again, '\n'))
}

// TestEveryLineThatIsTamperedWithIsFound also by somebody who makes the hash at the end of the file
// right.
func TestEveryLineThatIsTamperedWithIsFound(t *testing.T) {
	t.Parallel()
	l := usual(t)
	whole := lines(l.all())
	foreign := tell(t, "a", key(t, 2)).start().people(1).end().payloads
	foreign[1] = bytes.Replace(foreign[1], []byte("Ann"), []byte("Eve"), 1)
	for at := range whole {
		for name, change := range map[string]func(file [][]byte) ([][]byte, int){
			"dropped":  func(f [][]byte) ([][]byte, int) { return slices.Delete(f, at, at+1), at + 1 },
			"repeated": func(f [][]byte) ([][]byte, int) { return slices.Insert(f, at, f[at]), at + 2 },
			"moved": func(f [][]byte) ([][]byte, int) {
				moved := f[at]
				f = slices.Delete(f, at, at+1)
				return slices.Insert(f, (at+3)%(len(f)+1), moved), min(at, (at+3)%(len(f)+1)) + 1
			},
			"swapped": func(f [][]byte) ([][]byte, int) {
				other := (at + 1) % len(f)
				f[at], f[other] = f[other], f[at]
				return f, min(at, other) + 1
			},
			"inserted":      func(f [][]byte) ([][]byte, int) { return slices.Insert(f, at, append(foreign[1], '\n')), at + 1 },
			"an empty line": func(f [][]byte) ([][]byte, int) { return slices.Insert(f, at, []byte("\n")), at + 1 },
			"CRLF": func(f [][]byte) ([][]byte, int) {
				f[at] = append(f[at][:len(f[at])-1:len(f[at])-1], "\r\n"...)
				return f, at + 1
			},
			"a space": func(f [][]byte) ([][]byte, int) {
				f[at] = append(f[at][:len(f[at])-1:len(f[at])-1], " \n"...)
				return f, at + 2
			},
			"cut here":   func(f [][]byte) ([][]byte, int) { return f[:at], at + 1 },
			"cut within": func(f [][]byte) ([][]byte, int) { f[at] = f[at][:len(f[at])-1]; return f[:at+1], at + 1 },
		} {
			t.Run(fmt.Sprint(name, at+1), func(t *testing.T) {
				file, first := change(slices.Clone(whole))
				files := [][][]byte{file}
				if at < len(whole)-1 {
					files = append(files, resealed(t, file))
				}
				for _, f := range files {
					_, err := l.check(bytes.Join(f, nil), evidence.Options{})
					assert.LessOrEqual(t, misfit(t, err).Line, max(first, len(file)+1), err)
					if name == "inserted" { // it may well follow what is before it
						assert.Contains(t, []int{first, first + 1}, misfit(t, err).Line, err)
					}
					if name == "dropped" || name == "cut here" || name == "cut within" || name == "an empty line" {
						assert.Equal(t, first, found(t, err, whole, at), err)
					}
				}
			})
		}
	}
}

// found is the line of a misfit. A leaf that was dropped is told at the event that it is about.
func found(t *testing.T, err error, whole [][]byte, at int) int {
	line := misfit(t, err).Line
	if bytes.HasPrefix(whole[at], []byte(`{"evidence":"leaf"`)) && line == at {
		return at + 1
	}
	return line
}

var everyBit = flag.Bool("every-bit", false, "flip every bit of a file, not one in 13")

// TestEveryBitCounts flips the bits of a file, one at a time.
func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	l := log(t, pair, tell(t, "a", pair).start().people(1).gap().end())
	whole := l.all()
	step := 13
	if *everyBit {
		step = 1
	}
	for bit := 0; bit < 8*len(whole); bit += step {
		file := bytes.Clone(whole)
		file[bit/8] ^= 1 << (bit % 8)
		_, err := l.check(file, evidence.Options{})
		found := misfit(t, err)
		line := bytes.Count(whole[:bit/8], []byte("\n")) + 1
		// What follows is the first that does not fit where a line is changed that is right in itself.
		// A header that is another is believed until something else is there.
		assert.True(t, line == 1 || found.Line == line || found.Line == line+1, "bit %d, line %d: %v", bit, line, err)
		if t.Failed() {
			return
		}
	}
}

// TestWhoCannotSignProvesNothing has somebody who knows everything but the key.
func TestWhoCannotSignProvesNothing(t *testing.T) {
	t.Parallel()
	genuine := usual(t)
	keys := []string{public(t, genuine.key)}
	own := key(t, 2)
	forged := func(mine *made) []byte { return mine.all() }
	for name, c := range map[string]struct {
		file []byte
		what string
	}{
		"a meeting sealed by a key of his own": {
			forged(log(t, own, tell(t, "a", own).start().people(1).end())), "none of the keys",
		},
		"the real meeting in a log of his own": {forged(log(t, own, genuine.meetings[0])), "none of the keys"},
		"the end of the real meeting alone":    {genuine.file(303, cut(genuine.meetings[0], 10, 11)), "missing"},
		"the tail behind the last seal cut":    {genuine.file(303, cut(genuine.meetings[1], 0, 7)), "not over"},
		"the end cut":                          {genuine.file(303, cut(genuine.meetings[0], 0, 10)), "not over"},
		"the beginning cut":                    {genuine.file(303, cut(genuine.meetings[0], 1, 11)), "missing"},
		"all unchained": {
			genuine.file(303, tell(t, "a", nil).start().people(1).end().unchain()), "not chained",
		},
		"chained, not sealed":    {genuine.file(303, tell(t, "a", nil).start().people(1).end()), "not sealed"},
		"an end that is older":   {genuine.file(303, cut(genuine.meetings[1], 0, 6), genuine.meetings[0]), ""},
		"a log that was cut":     {genuine.file(1, genuine.meetings...), "no checkpoint covers"},
		"without any checkpoint": {genuine.file(0, genuine.meetings...), "no checkpoint covers"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := genuine.check(c.file, evidence.Options{Keys: keys, All: c.what == ""})
			assert.Contains(t, misfit(t, err).What, c.what)
		})
	}
}

// cut is part of a meeting's events.
func cut(m *told, from, to int) *told {
	return &told{tb: m.tb, id: m.id, payloads: m.payloads[from:to]}
}

// TestOpen takes what is not proven, and says that it is not.
func TestOpen(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	proven := tell(t, "p", pair).start().people(1).end()
	for name, c := range map[string]struct {
		meeting *told
		line    int
		want    string
	}{
		"not over":           {tell(t, "a", pair).start().people(2), 11, "not proven: 1 open meeting, 5 events"},
		"not sealed":         {tell(t, "a", nil).start().people(2).end(), 12, "not proven: 1 open meeting, 6 events"},
		"not covered":        {tell(t, "a", pair).start().people(2).end(), 13, "not proven: 1 open meeting, 6 events"},
		"without a chain":    {tell(t, "a", nil).start().people(2).end().unchain(), 7, "not proven: 1 open meeting, 6 events"},
		"an old beginning":   {tell(t, "a", nil).start().people(1).unchain().sealed(pair).people(1).end(), 7, "not proven: 1 open meeting, 6 events"},
		"an expired head":    {cut(tell(t, "a", pair).start().people(2).gap().end(), 2, 7), 7, "not proven: 1 open meeting, 5 events; expired: 2 events"},
		"a gap, then nobody": {tell(t, "a", pair).start().people(1).gap(), 10, "not proven: 1 open meeting, 4 events"},
		"a lost end":         {tell(t, "a", pair).start().people(1).restart().people(1).end(), 9, "; restarted 1 time; not proven: 1 open meeting, 7 events"},
	} {
		t.Run(name, func(t *testing.T) {
			l := log(t, pair, proven)
			file := l.file(1, proven, c.meeting)
			_, err := l.check(file, evidence.Options{})
			assert.Equal(t, c.line, misfit(t, err).Line, err)
			got, err := l.check(file, evidence.Options{Open: true})
			require.NoError(t, err)
			assert.Equal(t, 1, got.Meetings)
			assert.Contains(t, got.String(), c.want)
			// It is held to what it says all the same.
			f := lines(file)
			for at := 5; at < 5+len(c.meeting.payloads); at++ {
				_, err = l.check(bytes.Join(slices.Delete(slices.Clone(f), at, at+1), nil), evidence.Options{Open: true})
				misfit(t, err)
			}
		})
	}
}

// sealed goes on with a key.
func (m *told) sealed(pair nkeys.KeyPair) *told {
	m.key = pair
	return m
}

// TestAChainThatBeganAnew is proven if what was lost was sealed before.
func TestAChainThatBeganAnew(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	l := log(t, pair,
		tell(t, "whole", pair).start().people(1).end().restart().people(1).end(),
		tell(t, "rest", pair).restart().people(1).end(),
	)
	got, err := l.check(l.all(), evidence.Options{All: true})
	require.NoError(t, err)
	assert.Contains(t, got.String(), "proven: 2 meetings, 12 events")
	assert.Contains(t, got.String(), "; restarted 2 times")
	// Without saying so it is not.
	m := tell(t, "a", pair).start().people(1).end()
	m.chain = events.Chain{}
	m.member = 0
	l = log(t, pair, m.start().people(1).end())
	_, err = l.check(l.all(), evidence.Options{Open: true})
	assert.Equal(t, 7, misfit(t, err).Line, err)
}

// TestALogThatWasSetBack is found by a checkpoint that was kept, and so is one that was replaced.
func TestALogThatWasSetBack(t *testing.T) {
	t.Parallel()
	l := usual(t)
	older := func(size int) evidence.Options {
		return evidence.Options{Older: []evidence.Older{{Name: "kept", Note: l.checkpoint(size)}}}
	}
	for _, size := range []int{1, 2, 3, 128, 255, 256, 257, 302, 303} {
		_, err := l.check(l.all(), older(size))
		require.NoError(t, err, size)
	}
	back := l.file(200, l.meetings...)
	_, err := l.check(back, older(201))
	assert.Contains(t, misfit(t, err).What, "older checkpoint kept")
	assert.Equal(t, len(lines(back)), misfit(t, err).Line)

	forked := usual(t)
	forked.leaves[150] = evidence.Hash{1}
	_, err = l.check(forked.all(), older(150))
	require.NoError(t, err)
	_, err = l.check(forked.all(), older(151))
	assert.Contains(t, misfit(t, err).What, "contradicts the older checkpoint kept")

	other := log(t, key(t, 2)).pad(5)
	_, err = l.check(l.all(), evidence.Options{Older: []evidence.Older{{Name: "kept", Note: other.checkpoint(5)}}})
	assert.Equal(t, "kept:1: no checkpoint: it is signed by none of the keys", err.Error())
	_, err = l.check(l.all(), evidence.Options{Older: []evidence.Older{{Name: "kept", Note: bytes.ReplaceAll(l.checkpoint(5), []byte("\n"), []byte("\r\n"))}}})
	assert.Contains(t, err.Error(), "line ends were changed")
}

// TestALeafThatIsInTheLogTwice is not missing: who may write to the store can have an end be added
// again.
func TestALeafThatIsInTheLogTwice(t *testing.T) {
	t.Parallel()
	l := usual(t)
	l.leaves = []evidence.Hash{l.leaves[0], l.leaves[1], l.leaves[0], l.leaves[2], l.leaves[1]}
	got, err := l.check(l.all(), evidence.Options{All: true})
	require.NoError(t, err)
	assert.Contains(t, got.String(), "log of 5 at 2026-11-30T09:00:00Z with nothing missing")
	_, err = l.check(l.file(5, l.meetings[1]), evidence.Options{All: true})
	assert.ErrorContains(t, err, "the meeting of leaf 0 of the log is missing")
}

func TestSeveralFiles(t *testing.T) {
	t.Parallel()
	l := usual(t)
	check := func(opts evidence.Options, files ...[]byte) (evidence.Result, error) {
		opts.Keys = []string{public(t, l.key)}
		var in []evidence.File
		for i, f := range files {
			in = append(in, evidence.File{Name: fmt.Sprint("file", i), Reader: bytes.NewReader(f)})
		}
		return evidence.Check(in, opts)
	}
	a, b := l.file(1, l.meetings[0]), l.file(3, l.meetings[1])
	got, err := check(evidence.Options{All: true}, a, b)
	require.NoError(t, err)
	assert.Contains(t, got.String(), "proven: 2 meetings, 21 events, log of 3 ")
	got, err = check(evidence.Options{}, b, b)
	require.NoError(t, err)
	assert.Contains(t, got.String(), "proven: 1 meeting, 10 events")
	_, err = check(evidence.Options{All: true}, b)
	assert.Equal(t, "file0:"+fmt.Sprint(len(lines(b)))+": the meeting of leaf 0 of the log is missing", err.Error())
	_, err = check(evidence.Options{}, append(bytes.Clone(a), b...))
	assert.Equal(t, len(lines(a))+1, misfit(t, err).Line, "one behind the other in one file")
	forked := usual(t)
	forked.leaves[0] = evidence.Hash{1}
	_, err = check(evidence.Options{}, a, forked.file(3, l.meetings[1]))
	assert.Contains(t, misfit(t, err).What, "one of them is forged")
	forked = usual(t)
	forked.leaves[2] = evidence.Hash{1}
	forked.meetings[1] = cut(forked.meetings[1], 0, 6)
	_, err = check(evidence.Options{}, forked.file(3, forked.meetings[1]), l.file(303, l.meetings[0]))
	assert.Contains(t, misfit(t, err).What, "one of them is forged")
	_, err = check(evidence.Options{})
	require.Error(t, err)
}

func TestTheOriginIsTheOrganisations(t *testing.T) {
	t.Parallel()
	l := usual(t)
	file := bytes.Replace(l.all(), []byte("rollcall/dingabc"), []byte("rollcall/dingabd"), 1)
	_, err := l.check(bytes.Join(resealed(t, lines(file)), nil), evidence.Options{})
	assert.Equal(t, 2, misfit(t, err).Line)
	assert.Contains(t, err.Error(), "not of meeting a")
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	l := usual(t)
	for in, line := range map[string]int{"": 1, "\n": 1, "hello\n": 1, "{}\n": 1, `{"evidence":"header"}` + "\n": 1, "\ufeff" + string(l.all()): 1, strings.Repeat("x", 3<<20) + "\n": 1} {
		_, err := l.check([]byte(in), evidence.Options{})
		assert.Equal(t, line, misfit(t, err).Line)
	}
}
