package main

import (
	"context"
	"encoding/json"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/internal/stored/forget"
)

// someone is how commands are told who is meant.
type someone struct {
	ID      string `arg:"" optional:"" help:"The person's unionId. With pseudonyms the unionId or the pseudonym."`
	Guest   string `placeholder:"NICK" help:"Guests of one meeting instead, by what they are called; with --meeting."`
	Meeting string `placeholder:"ID" help:"The meeting of the guests, by its conferenceId."`
}

// wanted is who is meant, by every name that may be stored.
func (s someone) wanted(c config.Events) (forget.Wanted, error) {
	switch {
	case (s.ID == "") == (s.Guest == ""):
		return forget.Wanted{}, config.Usagef("", "want either a unionId or --guest with --meeting")
	case s.ID != "" && s.Meeting != "":
		return forget.Wanted{}, config.Usagef("meeting", "a person of a unionId is one in all meetings: it goes with --guest")
	case s.ID != "":
		return forget.Named(s.ID, pseudonymOf(c)), nil
	}
	if err := events.CheckConferenceID(s.Meeting); err != nil {
		return forget.Wanted{}, config.Usagef("meeting", "%w", err)
	}
	out := forget.Wanted{Nicks: []string{s.Guest}, Meeting: s.Meeting}
	if c.Pseudonyms() {
		out.Nicks = append(out.Nicks, pseudonym.OfGuest(c.PrivacyKey.Reveal(), s.Meeting, s.Guest))
	}
	return out, nil
}

// pseudonymOf is what makes a pseudonym of a unionId; nil without pseudonyms.
func pseudonymOf(c config.Events) func(string) string {
	if !c.Pseudonyms() {
		return nil
	}
	return func(unionID string) string { return pseudonym.OfPerson(c.PrivacyKey.Reveal(), unionID) }
}

type personCommand struct {
	config.Client
	Events config.Events `embed:"" group:"Events"`
	someone
	Format string `placeholder:"json|csv" enum:"json,csv" default:"json" help:"json, or csv with a row for each event."`
}

// Help is shown with the help of the command.
func (c *personCommand) Help() string {
	return "For the right of access: every event of theirs, every event that names them as the creator of a meeting, and what the states of meetings say of them. " +
		"All events are read for it. Nothing at all is an empty list.\n\n" + c.Client.Help()
}

// Run prints what is stored about somebody.
func (c *personCommand) Run(ctx context.Context, call *config.Invocation) error {
	wanted, err := c.wanted(c.Events)
	if err != nil {
		return err
	}
	js, err := openClient(ctx, call, c.Client, "rollcall-person", newLogger(call, c.Logging))
	if err != nil {
		return err // also when it was stopped: nothing was found out
	}
	defer js.Conn().Close()
	found, err := forget.Of(ctx, js, wanted)
	if err != nil {
		return err
	}
	if c.Format == "csv" {
		return unlessUnread(found.CSV(call.Stdout))
	}
	return unlessUnread(json.NewEncoder(call.Stdout).Encode(found))
}
