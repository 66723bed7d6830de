package evidence

import (
	"errors"
	"io"
	"slices"
)

// File is what [Check] reads.
type File struct {
	Name   string
	Reader io.Reader
}

// Older is a signed checkpoint that was kept.
type Older struct {
	Name string
	Note []byte
}

// Options of [Check].
type Options struct {
	// Keys are the public keys that are trusted.
	Keys []string
	// Older are checkpoints that the log has to agree with.
	Older []Older
	// Open accepts meetings that are not proven: not over, not sealed, in no checkpoint yet, not
	// chained, or with a beginning that has expired.
	Open bool
	// All wants every meeting of the log.
	All bool
}

// older is an older checkpoint that was opened.
type older struct {
	name string
	Checkpoint
}

// Check reads files and says what they prove. An error is a [*Misfit] unless a file cannot be read.
// What it needs of memory grows with the meetings in the files, and with All with those of the log,
// not with their events.
func Check(in []File, opts Options) (Result, error) {
	if len(in) == 0 {
		return Result{}, errors.New("there is no file of evidence")
	}
	opts.Keys = slices.Compact(slices.Sorted(slices.Values(opts.Keys)))
	var kept []older
	var sizes []int64
	for _, o := range opts.Older {
		c, _, err := OpenCheckpoint(o.Note, opts.Keys)
		if err != nil {
			return Result{}, &Misfit{o.Name, 1, err.Error()}
		}
		kept, sizes = append(kept, older{o.Name, c}), append(sizes, c.Size)
	}
	var files []*file
	for _, in := range in {
		f, err := openFile(in, &opts)
		if err != nil {
			return Result{}, err
		}
		files, sizes = append(files, f), append(sizes, f.header.Size)
	}
	for _, f := range files {
		if err := f.check(sizes); err != nil {
			return Result{}, err
		}
	}
	if err := agree(files, kept); err != nil {
		return Result{}, err
	}
	result := sum(files)
	if opts.All {
		if err := whole(files); err != nil {
			return Result{}, err
		}
		result.Whole = true
	}
	return result, nil
}

// newest is the file with the largest log.
func newest(files []*file) *file {
	return slices.MaxFunc(files, func(a, b *file) int { return int(a.signed.Size - b.signed.Size) })
}

// agree makes sure that all checkpoints are of one log.
func agree(files []*file, kept []older) error {
	last := newest(files)
	for _, f := range files {
		if f.header.Origin != last.header.Origin {
			return f.misfitAt(1, "its origin is %.80q, that of %s %.80q", f.header.Origin, last.name, last.header.Origin)
		}
		if f.signed.Size > 0 && last.log.roots[f.signed.Size] != f.signed.Root {
			return f.misfitAt(f.end, "its log of %d is not what that of %s was: one of them is forged", f.signed.Size, last.name)
		}
	}
	for _, o := range kept {
		switch {
		case o.Origin != last.header.Origin:
			return last.misfitAt(1, "its origin is %.80q, that of the older checkpoint %s %.80q", last.header.Origin, o.name, o.Origin)
		case o.Size > last.signed.Size:
			return last.misfitAt(last.end, "it contradicts the older checkpoint %s, whose log has %d leaves, this one only %d: "+
				"the log was set back, or the checkpoint is newer than the file", o.name, o.Size, last.signed.Size)
		case last.log.roots[o.Size] != o.Root:
			return last.misfitAt(last.end, "it contradicts the older checkpoint %s: the first %d leaves of the log are others", o.name, o.Size)
		}
	}
	return nil
}

// whole makes sure that every leaf of the newest log is in a file. One that is in the log twice is
// one event.
func whole(files []*file) error {
	last := newest(files)
	found := map[Hash]bool{}
	for _, f := range files {
		for _, leaf := range f.leaves {
			found[leaf.hash] = true
		}
	}
	for i, leaf := range last.log.every {
		if !found[leaf] {
			return last.misfitAt(last.end, "the meeting of leaf %d of the log is missing", i)
		}
	}
	return nil
}

// sum adds up what the files prove. A meeting that is in several counts once, as the one that
// proves most.
func sum(files []*file) Result {
	result := Result{Log: newest(files).signed}
	best := map[string]finished{}
	for _, f := range files {
		if f.signer != "" {
			result.Keys = append(result.Keys, f.signer)
		}
		for _, m := range f.finished {
			b, seen := best[m.id]
			if !seen || m.proven && !b.proven || m.proven == b.proven && m.seen > b.seen {
				best[m.id] = m
			}
		}
	}
	for _, m := range best {
		result.Restarted += m.restarts
		result.Erased += m.erased
		result.Expired += m.missing
		if m.proven {
			result.Meetings++
			result.Events += m.seen
		} else {
			result.Open++
			result.OpenEvents += m.seen
		}
		result.Keys = append(result.Keys, m.signers...)
	}
	slices.Sort(result.Keys)
	result.Keys = slices.Compact(result.Keys)
	return result
}
