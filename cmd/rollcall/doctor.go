package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/base/version"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/doctor"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

type doctorCommand struct {
	config.Settings
	Print bool `help:"Print the settings in force, as a settings file with secrets masked, and examine nothing."`
}

// Run examines what the service needs. It fails when a check does.
func (c *doctorCommand) Run(ctx context.Context, call *config.Invocation) error {
	if c.Print {
		if err := config.WriteYAML(call.Stdout, call.Settings); err != nil {
			return unlessUnread(err)
		}
		_, err := fmt.Fprintf(call.Stdout, "# %s\n", doctor.Sealing(c.Settings).Text)
		return unlessUnread(err)
	}
	if err := call.CheckProxy(); err != nil {
		return err
	}
	c.DingTalk.EditionAssumed = call.Assumed("dingtalk-edition")
	var notes []doctor.Finding
	for _, warning := range call.Warnings {
		notes = append(notes, doctor.Finding{Check: "settings", Verdict: doctor.Note, Text: warning})
	}
	for _, caution := range slices.Concat(call.Cautions, c.Cautions(), conn.Cautions(c.NATS, call.LookupEnv)) {
		notes = append(notes, doctor.Finding{Check: "secrets", Verdict: doctor.Note, Text: caution.Text, Mend: caution.Remedy})
	}
	for _, f := range notes {
		if err := printFinding(call, f); err != nil {
			return err
		}
	}
	var unprinted error
	well := doctor.Examine(ctx, doctor.Options{
		Settings: c.Settings, LookupEnv: call.LookupEnv, UserAgent: "rollcall/" + version.String(),
	}, func(f doctor.Finding) {
		if err := printFinding(call, f); err != nil {
			unprinted = err
		}
	})
	if unprinted != nil {
		return unlessUnread(unprinted)
	}
	if !well {
		return &config.ExitError{Code: config.ExitFailed}
	}
	return nil
}

// maxFinding is how much is printed of what a check found, in characters.
const maxFinding = 500

func printFinding(call *config.Invocation, f doctor.Finding) error {
	verdict := fmt.Sprintf("%-7s", f.Verdict)
	if colored(call) {
		verdict = verdictColors[f.Verdict] + verdict + "\x1b[0m"
	}
	_, err := fmt.Fprintf(call.Stdout, "%s  %-16s  %s\n", verdict, f.Check, plaintext.Clean(f.Text, maxFinding))
	if err == nil && f.Mend != "" {
		_, err = fmt.Fprintf(call.Stdout, "%9s%-16s  > %s\n", "", "", plaintext.Clean(f.Mend, len(f.Mend)))
	}
	return err
}

// verdictColors are green, yellow, dim and red.
var verdictColors = [...]string{
	doctor.OK: "\x1b[32m", doctor.Note: "\x1b[33m", doctor.Skipped: "\x1b[2m", doctor.Failed: "\x1b[31m",
}
