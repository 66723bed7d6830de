package evidence

import "slices"

// logCheck builds the log's tree from the tiles in a file, and holds it to what else is known.
type logCheck struct {
	*file
	tree     Tree
	next     int64 // the tile to come
	waiting  []foundLeaf
	misplace *foundLeaf // a leaf that the tiles do not show in its place
	seenAt   int        // the line of the tile that does not
	sizes    []int64    // at which the root is wanted, in order
	roots    map[int64]Hash
	every    []Hash // leaf, where all are wanted in the files
}

// newLogCheck wants to know the roots of the given sizes, as far as the log has them.
func newLogCheck(f *file, sizes []int64) *logCheck {
	l := &logCheck{file: f, waiting: f.leaves, sizes: slices.Clone(sizes), roots: map[int64]Hash{}}
	slices.Sort(l.sizes)
	l.note()
	return l
}

// note keeps the root where it is wanted.
func (l *logCheck) note() {
	for len(l.sizes) > 0 && l.sizes[0] <= l.tree.Size() {
		l.roots[l.tree.Size()] = l.tree.Root()
		l.sizes = l.sizes[1:]
	}
}

// tiles takes the next tile.
func (l *logCheck) tiles(line []byte) error {
	object, err := read[tiles](line)
	if err != nil {
		return l.misfit("%v", err)
	}
	leaves, err := object.decode()
	want := min(l.header.Size-l.tree.Size(), TileSize)
	switch {
	case err != nil:
		return l.misfit("%v", err)
	case want == 0:
		return l.misfit("the log of %d has no more tiles", l.header.Size)
	case object.Index != l.next || int64(len(leaves)) != want:
		return l.misfit("it is tile %d with %d leaves, not %d with %d", object.Index, len(leaves), l.next, want)
	}
	l.next++
	for _, leaf := range leaves {
		for len(l.waiting) > 0 && l.waiting[0].index == l.tree.Size() {
			if l.waiting[0].hash != leaf && l.misplace == nil {
				l.misplace, l.seenAt = &l.waiting[0], l.number
			}
			l.waiting = l.waiting[1:]
		}
		l.tree.Add(leaf)
		if l.opts.All {
			l.every = append(l.every, leaf)
		}
		l.note()
	}
	return nil
}

// complete makes sure that there are all tiles.
func (l *logCheck) complete() error {
	if l.tree.Size() != l.header.Size {
		return l.misfit("tile %d is missing before it", l.next)
	}
	return nil
}

// agrees holds the tree to the checkpoint. If that has its root, then the tiles are right.
func (l *logCheck) agrees(c Checkpoint) error {
	switch {
	case c.Origin != l.header.Origin:
		return l.misfit("its origin is %.80q, the header's %.80q", c.Origin, l.header.Origin)
	case c.Size != l.header.Size:
		return l.misfit("it is of a log of %d, the header of one of %d", c.Size, l.header.Size)
	case c.Root == l.tree.Root() && l.misplace == nil:
		return nil
	case c.Root == l.tree.Root():
		return l.misfitAt(l.misplace.line, "the log has something else at %d", l.misplace.index)
	case l.misplace != nil:
		return l.misfitAt(l.seenAt, "it does not have what line %d says to be in the log", l.misplace.line)
	default:
		return l.misfit("its root is not that of the log in the file")
	}
}
