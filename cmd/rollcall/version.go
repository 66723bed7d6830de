package main

import (
	"context"
	"fmt"

	"github.com/c4342123/rollcall/internal/base/version"
	"github.com/c4342123/rollcall/internal/config"
)

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(_ context.Context, call *config.Invocation) error {
	_, err := fmt.Fprintln(call.Stdout, "rollcall", version.String())
	return err
}
