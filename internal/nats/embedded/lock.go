package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// The files that guard a store. They are two, because on some systems a locked file cannot be read
// by others.
const (
	lockName = "rollcall.lock"
	pidName  = "rollcall.pid"
)

// storeLock keeps other servers away from a store: two of them would open it without noticing and
// ruin it. The operating system releases it when the process dies, however it dies.
type storeLock struct {
	file *flock.Flock
	pid  string // path of the file that names the holder
}

// lockStore takes the lock of the store in dir, or says who has it.
func lockStore(dir string) (*storeLock, error) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	l := &storeLock{
		file: flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600)),
		pid:  filepath.Join(dir, pidName),
	}
	got, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot lock the store directory %s: %w", dir, err)
	}
	if !got {
		return nil, fmt.Errorf("%w: %s is held by %s", ErrStoreInUse, dir, l.holder())
	}
	if err := os.WriteFile(l.pid, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot write to the store directory %s: %w", dir, err), l.file.Close())
	}
	return l, nil
}

// holder names the process that has the lock, as far as it can be told.
func (l *storeLock) holder() string {
	b, err := os.ReadFile(l.pid)
	if err != nil {
		return "another process"
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	switch {
	case err != nil:
		return "another process"
	case pid == os.Getpid():
		return "another server of this process"
	}
	return fmt.Sprintf("the process %d", pid)
}

// release lets others have the store. The lock file stays: removing it would let two processes lock
// two files of the same name.
func (l *storeLock) release() error {
	err := os.Remove(l.pid)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Close())
}
