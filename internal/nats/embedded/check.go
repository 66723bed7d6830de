package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Check tells whether a server could be started with these options, and leaves no trace: it returns
// what [Start] would refuse, but for what only the content of the store tells.
func Check(ctx context.Context, opts Options) error {
	opts = opts.withDefaults()
	sopts, err := opts.serverOptions(keys{})
	if err != nil {
		return err
	}
	if err := checkStore(opts.StoreDir); err != nil {
		return err
	}
	return probe(ctx, sopts)
}

// checkStore tells whether the directory, or the nearest one above it that exists, can be written
// to, and whether another server has it.
func checkStore(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return checkWritable(existing(filepath.Clean(dir)))
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "open", Path: dir, Err: errors.New("is no directory")}
	}
	if err := checkWritable(dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, lockName)); errors.Is(err, fs.ErrNotExist) {
		return nil // no server ever had it
	}
	lock, err := lockStore(dir)
	if err != nil {
		return err
	}
	return lock.release()
}

// existing is dir or the nearest one above it that exists.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// trialSize is how much is written to find out whether there is room, in bytes. An empty file can
// be made on a full disk.
const trialSize = 1 << 20

func checkWritable(dir string) error {
	f, err := os.CreateTemp(dir, ".rollcall-*")
	if err != nil {
		return fmt.Errorf("cannot write to %s: %w", dir, err)
	}
	_, err = f.Write(make([]byte, trialSize))
	if err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("cannot write to %s: %w", dir, err)
	}
	return nil
}
