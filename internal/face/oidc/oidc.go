// Package oidc logs people in at their organisation's OpenID provider: the code flow with PKCE.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

const (
	// timeout bounds what is asked of the provider for one request.
	timeout = 5 * time.Second
	// leeway is how far its clock may be before ours where it says when a token ends. The library
	// allows for none.
	leeway = 30 * time.Second
	// maxNote bounds a note, in bytes: what a provider answers may be long.
	maxNote = 300
)

var (
	// ErrAway says that the provider cannot be asked.
	ErrAway = errors.New("the OpenID provider cannot be asked")
	// ErrRefused says that what it answered is not to be believed.
	ErrRefused = errors.New("the log-in at the OpenID provider did not succeed")
)

// Options of a client.
type Options struct {
	// Issuer is the provider's URL, exactly as it writes it itself.
	Issuer                 string
	ClientID, ClientSecret string
	// RedirectURL is where it sends browsers back to.
	RedirectURL string
	// GroupsClaim names the claim that holds a person's groups: of the ID token or, where that has
	// none of the name, of the provider's userinfo.
	GroupsClaim string
	// HTTP asks the provider; nil is http.DefaultClient.
	HTTP *http.Client
	// Note is told what is worth saying about a person who has no groups; it may be nil.
	Note func(text string)
}

// Client logs people in at one provider. It asks the provider for nothing before somebody logs in.
type Client struct {
	opts Options

	mu       sync.Mutex
	provider *oidc.Provider
}

// New returns a client.
func New(opts Options) *Client {
	if opts.HTTP == nil {
		opts.HTTP = http.DefaultClient
	}
	if opts.Note == nil {
		opts.Note = func(string) {}
	}
	return &Client{opts: opts}
}

// Begun is a log-in that has begun. Only the browser that began it keeps it.
type Begun struct{ State, Nonce, Verifier string }

// Person is somebody who has logged in.
type Person struct {
	Name   string
	Groups []string
}

// Begin begins a log-in, and returns where to send the browser.
func (c *Client) Begin(ctx context.Context) (Begun, string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	provider, err := c.known(ctx)
	if err != nil {
		return Begun{}, "", err
	}
	b := Begun{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return b, c.config(provider).AuthCodeURL(b.State, oidc.Nonce(b.Nonce), oauth2.S256ChallengeOption(b.Verifier)), nil
}

// Finish ends a log-in with what the browser brought back.
func (c *Client) Finish(ctx context.Context, b Begun, state, code string) (Person, error) {
	if b.State == "" || subtle.ConstantTimeCompare([]byte(b.State), []byte(state)) != 1 {
		return Person{}, fmt.Errorf("%w: it was not begun here", ErrRefused)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	provider, err := c.known(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, c.opts.HTTP)
	token, err := c.config(provider).Exchange(ctx, code, oauth2.VerifierOption(b.Verifier))
	var answered *oauth2.RetrieveError
	switch {
	case errors.As(err, &answered):
		return Person{}, fmt.Errorf("%w: the provider gives no token for the code: status %d %s", ErrRefused, answered.Response.StatusCode, answered.ErrorCode)
	case err != nil:
		return Person{}, fmt.Errorf("%w: %w", ErrAway, err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Person{}, fmt.Errorf("%w: the provider gives no id_token", ErrRefused)
	}
	verifier := provider.VerifierContext(ctx, &oidc.Config{ClientID: c.opts.ClientID, Now: func() time.Time { return time.Now().Add(-leeway) }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return c.person(ctx, provider, token, id, b.Nonce)
}

// known is the provider, which is asked about itself until that has succeeded once.
func (c *Client) known(ctx context.Context) (*oidc.Provider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.provider != nil {
		return c.provider, nil
	}
	policy := backoff.WithContext(backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond)), ctx)
	provider, err := backoff.RetryWithData(func() (*oidc.Provider, error) {
		return oidc.NewProvider(oidc.ClientContext(ctx, c.opts.HTTP), c.opts.Issuer)
	}, policy)
	if err != nil {
		return nil, fmt.Errorf("%w: %w (ROLLCALL_OIDC_ISSUER has to be exactly what it calls itself)", ErrAway, err)
	}
	c.provider = provider
	return provider, nil
}

func (c *Client) config(provider *oidc.Provider) *oauth2.Config {
	config := &oauth2.Config{
		ClientID: c.opts.ClientID, ClientSecret: c.opts.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: c.opts.RedirectURL,
		Scopes: []string{oidc.ScopeOpenID},
	}
	var says struct {
		Scopes []string `json:"scopes_supported"`
	}
	if provider.Claims(&says) == nil {
		for _, scope := range []string{"profile", "email", "groups"} {
			if slices.Contains(says.Scopes, scope) { // there are some who refuse what they do not know
				config.Scopes = append(config.Scopes, scope)
			}
		}
	}
	return config
}

// person reads a token that is the provider's: whether it is of this log-in, for us, and whom it
// names.
func (c *Client) person(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, id *oidc.IDToken, nonce string) (Person, error) {
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return Person{}, fmt.Errorf("%w: the token is of another log-in", ErrRefused)
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return Person{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if azp, said := claims["azp"]; said && azp != c.opts.ClientID || !said && len(id.Audience) > 1 {
		return Person{}, fmt.Errorf("%w: the token is for another client", ErrRefused)
	}
	if _, said := claims[c.opts.GroupsClaim]; !said {
		c.ask(ctx, provider, token, id.Subject, claims)
	}
	p := Person{Name: id.Subject, Groups: c.groups(claims)}
	for _, claim := range []string{"preferred_username", "email"} {
		if name, ok := claims[claim].(string); ok && name != "" {
			p.Name = name
			break
		}
	}
	return p, nil
}

// ask adds what the provider says of a person at its userinfo endpoint to the claims of a token that
// says nothing of groups, as many do not. One without such an endpoint leaves them as they are.
func (c *Client) ask(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, subject string, claims map[string]any) {
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	more := map[string]any{}
	switch {
	case err != nil:
	case info.Subject != subject:
		err = errors.New("it is about another person")
	default:
		err = info.Claims(&more)
	}
	if err != nil {
		c.opts.Note("the OpenID provider's userinfo cannot be read: " + plaintext.Line(err.Error(), maxNote))
		return
	}
	for name, value := range more {
		if _, said := claims[name]; !said {
			claims[name] = value
		}
	}
}

// groups are those that the claim holds: one, or a list.
func (c *Client) groups(claims map[string]any) (out []string) {
	switch v := claims[c.opts.GroupsClaim].(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			if group, ok := one.(string); ok {
				out = append(out, group)
			}
		}
		return out
	default:
		c.opts.Note(fmt.Sprintf("a person has no groups: the claim %q is %T", c.opts.GroupsClaim, v))
		return nil
	}
}
