package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/access"
)

// tokenCommand is the command that looks after the named tokens of the HTTP interface.
type tokenCommand struct {
	New    tokenNew    `cmd:"" help:"Make a token and print it, once: what is kept is its hash."`
	List   tokenList   `cmd:"" help:"Print names, scopes and organisations of the tokens."`
	Remove tokenRemove `cmd:"" help:"Take a token out. Whoever has it is let in no more, within 5 s."`
}

// Help is shown with the help of the command.
func (tokenCommand) Help() string {
	return "The tokens are in the file of --api-tokens (ROLLCALL_API_TOKENS), which the service reads again when it has changed."
}

type tokenNew struct {
	config.TokenFile `embed:"" group:"HTTP"`
	Name             string   `arg:"" help:"What the token is called, in logs too."`
	Scopes           []string `required:"" placeholder:"SCOPE" help:"What it may do: read (every GET), watch (watch and unwatch meetings), erase (forget people), admin (everything)."`
	Organisation     string   `placeholder:"CORPID" help:"The only organisation it is for, where there are several."`
}

// Run makes a token.
func (c *tokenNew) Run(_ context.Context, call *config.Invocation) error {
	scopes, err := access.ParseScopes(c.Scopes...)
	switch {
	case err != nil:
		return config.Usagef("scopes", "%w", err)
	case access.CheckName(c.Name) != nil:
		return config.Usagef("", "%w", access.CheckName(c.Name))
	case access.CheckOrganisation(c.Organisation) != nil:
		return config.Usagef("organisation", "%w", access.CheckOrganisation(c.Organisation))
	}
	secret := access.NewSecret()
	made := access.Token{Name: c.Name, Hash: access.HashOf(secret), Scopes: scopes, Organisation: c.Organisation}
	if c.APITokens != "" {
		err = access.Add(c.APITokens, made)
	} else {
		err = show(call, made)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(call.Stdout, secret)
	return err
}

// show prints what is to be put into a file.
func show(call *config.Invocation, made access.Token) error {
	entry, err := access.Entry(made)
	if err == nil {
		_, err = fmt.Fprint(call.Stderr, "# for the file of ROLLCALL_API_TOKENS:\n", entry)
	}
	return err
}

type tokenList struct {
	config.TokenFile `embed:"" group:"HTTP"`
}

// Run prints the tokens.
func (c *tokenList) Run(_ context.Context, call *config.Invocation) error {
	if err := needFile(c.TokenFile); err != nil {
		return err
	}
	tokens, err := access.ReadFile(c.APITokens)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	for _, t := range tokens {
		line := t.Name + "\t" + t.Scopes.String()
		if t.Organisation != "" {
			line += "\t" + t.Organisation
		}
		if _, err := fmt.Fprintln(table, strings.TrimRight(line, "\t")); err != nil {
			return unlessUnread(err)
		}
	}
	return unlessUnread(table.Flush())
}

type tokenRemove struct {
	config.TokenFile `embed:"" group:"HTTP"`
	Name             string `arg:"" help:"The token's name."`
}

// Run takes a token out.
func (c *tokenRemove) Run(context.Context, *config.Invocation) error {
	if err := needFile(c.TokenFile); err != nil {
		return err
	}
	return access.Remove(c.APITokens, c.Name)
}

func needFile(f config.TokenFile) error {
	if f.APITokens == "" {
		return config.Usagef("api-tokens", "is required: the file of the tokens")
	}
	return nil
}
