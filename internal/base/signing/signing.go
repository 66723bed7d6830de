// Package signing keeps the key that seals what Rollcall records: a seed of NATS's nkeys, of a user,
// in a file that only its owner reads.
package signing

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"
)

// File is the name of the key in the data directory.
const File = "signing.nk"

// largest is the size of a file in which there may be a seed, in bytes.
const largest = 4096

// ErrNoSeed says that a file holds no seed of a user.
var ErrNoSeed = errors.New("holds no nkeys seed of a user (SU...)")

// Load reads the key in a file. A file that is not there is [fs.ErrNotExist], and what is no seed
// [ErrNoSeed].
func Load(path string) (nkeys.KeyPair, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > largest {
		return nil, fmt.Errorf("%s %w", path, ErrNoSeed)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := nkeys.FromSeed(bytes.TrimSpace(data))
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, ErrNoSeed) // the error of nkeys may hold a part of it
	}
	if public, err := key.PublicKey(); err != nil || !nkeys.IsValidPublicUserKey(public) {
		return nil, fmt.Errorf("%s %w", path, ErrNoSeed)
	}
	return key, nil
}

// LoadOrMake reads the key in a file, and makes one where there is no file. It tells whether it did.
// Of several that make one at the same time one makes it for all.
func LoadOrMake(path string) (key nkeys.KeyPair, made bool, err error) {
	key, err = Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if key, err = nkeys.CreateUser(); err != nil {
		return nil, false, err
	}
	seed, err := key.Seed()
	if err != nil {
		return nil, false, err
	}
	switch err := store(path, fmt.Appendln(nil, string(seed))); {
	case errors.Is(err, fs.ErrExist):
		key, err = Load(path)
		return key, false, err
	case err != nil:
		return nil, false, err
	}
	return key, true, nil
}

// store writes a new file for its owner alone, which is there whole or not at all.
func store(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
