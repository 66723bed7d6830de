package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/evidence"
)

// offline are the flags of verify that are about files of evidence.
type offline struct {
	Offline    bool     `help:"Check files that rollcall replay --evidence wrote, without NATS and DingTalk."`
	Key        []string `placeholder:"KEY" sep:"none" help:"With --offline: a public key of the service, U..., that may have signed; may be given several times."`
	Checkpoint string   `placeholder:"FILE" help:"With --offline: an older checkpoint, as /v1/checkpoint has told it or its event has it, that the log has to agree with."`
	Open       bool     `help:"With --offline: accept meetings that are not over, not sealed, in no checkpoint yet, not chained, or expired in part."`
	All        bool     `help:"With --offline: want every meeting of the log."`
}

const (
	// maxNote is more than a checkpoint has, in bytes.
	maxNote = 64 << 10
	// maxMisfit is how much is printed of what does not fit, in characters.
	maxMisfit = 1000
)

// alone returns an error where a flag is set that means nothing without --offline.
func (o offline) alone() error {
	switch {
	case o.Offline:
		return nil
	case len(o.Key) > 0:
		return config.Usagef("key", "is for --offline")
	case o.Checkpoint != "":
		return config.Usagef("checkpoint", "is for --offline")
	case o.Open:
		return config.Usagef("open", "is for --offline")
	case o.All:
		return config.Usagef("all", "is for --offline")
	}
	return nil
}

// run checks the files, and says on one line what they prove, or where they break.
func (o offline) run(ctx context.Context, call *config.Invocation, names []string) error {
	opts := evidence.Options{Keys: o.Key, Open: o.Open, All: o.All}
	if len(o.Key) == 0 {
		return config.Usagef("key", "is required with --offline: a public key of the service, as /v1/keys and rollcall doctor --print tell it")
	}
	for _, key := range o.Key {
		if err := evidence.CheckKey(key); err != nil {
			return config.Usagef("key", "%w", err)
		}
	}
	if o.Checkpoint != "" {
		file, err := openFile(o.Checkpoint)
		if err != nil {
			return config.Usagef("checkpoint", "%w", err)
		}
		note, err := io.ReadAll(io.LimitReader(file, maxNote))
		_ = file.Close() // it was only read
		if err != nil {
			return err
		}
		if e, err := events.Decode(note); err == nil && e.Checkpoint != nil {
			note = []byte(e.Checkpoint.Checkpoint)
		}
		opts.Older = []evidence.Older{{Name: o.Checkpoint, Note: note}}
	}
	var files []evidence.File
	for _, name := range names {
		file, err := openFile(name)
		if err != nil {
			return config.Usagef("", "%w", err)
		}
		defer func() { _ = file.Close() }() // it was only read
		files = append(files, evidence.File{Name: name, Reader: &untilDone{ctx, file}})
	}
	result, err := evidence.Check(files, opts)
	line := result.String()
	misfit, differs := errors.AsType[*evidence.Misfit](err)
	switch {
	case differs:
		line = plaintext.Clean(misfit.Error(), maxMisfit)
	case err != nil:
		return err
	}
	if _, err := fmt.Fprintln(call.Stdout, line); unlessUnread(err) != nil {
		return err
	}
	if differs {
		return &config.ExitError{Code: exitDiffers}
	}
	return nil
}

// untilDone reads until its context has ended.
type untilDone struct {
	ctx context.Context
	io.Reader
}

// Read implements [io.Reader].
func (r *untilDone) Read(into []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(into)
}

// openFile opens what is to be read.
func openFile(name string) (*os.File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || info.IsDir() {
		_ = file.Close() // it was not read
		return nil, errors.Join(err, fmt.Errorf("%s is no file", name))
	}
	return file, nil
}
