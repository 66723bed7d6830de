package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/base/version"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/privacy"
	"github.com/c4342123/rollcall/internal/stored/verify"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// exitDiffers is the exit status of a comparison whose two sides differ.
const exitDiffers = 3

type verifyCommand struct {
	config.Client
	DingTalk config.DingTalk `embed:"" prefix:"dingtalk-" group:"DingTalk"`
	Events   config.Events   `embed:"" group:"Events"`
	offline
	Meeting  []string      `arg:"" sep:"none" help:"The meeting's conferenceId; with --offline, the files."`
	Patience time.Duration `placeholder:"TIME" default:"75s" help:"How long the two have to differ about a person before that counts. What just happened has yet to be noticed: it should be longer than the service's poll-max-interval."`
}

// Help is shown with the help of the command.
func (c *verifyCommand) Help() string {
	return "The people who are present according to the stored events are compared with the member list of DingTalk's API; of a meeting that is " +
		"over, who attended from when to when, as far as the list still tells. While they differ, both are read again. " +
		"The chain of the stored events is followed and their seals are checked: events that were changed, left out or added are a difference, too. The exit status is 0 when they are the same, 3 when they differ, 1 when that could not be found out, " +
		"and 2 for wrong usage. The calls to the API are counted among the month's; the rate is this program's own.\n\n" +
		"With --offline it is proven that files which rollcall replay --evidence wrote hold what Rollcall stored, all of it and unchanged: " +
		"the exit status is 0 and one line says what is proven, or it is 3 and the line says FILE:LINE and what the first line is that does not fit. " +
		"That no meeting is missing is proven with --all only.\n\n" + c.Client.Help()
}

// Run compares the stored events of a meeting with the member list.
func (c *verifyCommand) Run(ctx context.Context, call *config.Invocation) error {
	if err := c.alone(); err != nil {
		return err
	}
	if c.Offline {
		return c.run(ctx, call, c.Meeting)
	}
	if len(c.Meeting) > 1 {
		return config.Usagef("", "unexpected argument %s: one meeting at a time", c.Meeting[1])
	}
	meeting := c.Meeting[0]
	if err := events.CheckConferenceID(meeting); err != nil {
		return config.Usagef("", "%w", err)
	}
	if err := c.DingTalk.RequireLogin(); err != nil {
		return err
	}
	c.DingTalk.EditionAssumed = call.Assumed("dingtalk-edition")
	if err := call.CheckProxy(); err != nil {
		return err
	}
	logger := newLogger(call, c.Logging)
	js, err := openClient(ctx, call, c.Client, "rollcall-verify", logger)
	if err != nil {
		return err // also when it was stopped: nothing was found out
	}
	defer js.Conn().Close()
	if err := conn.Writer(ctx, js.Conn(), c.NATS); err != nil {
		return err
	}
	if err := publisher.CheckServer(js.Conn()); err != nil {
		return err // it takes calls out of the month's, which are stored
	}
	way, err := privacy.Of(c.Events)
	if err == nil {
		err = publisher.CheckPrivacy(ctx, js.Conn(), way)
	}
	if err != nil {
		return cmp.Or(privacy.Refused(err), err)
	}
	limiter, giveBack, err := c.limits(ctx, js.Conn())
	if err != nil {
		return err
	}
	defer giveBack()
	client, err := c.openAPI(limiter, logger)
	if err != nil {
		return err
	}
	defer client.Close()
	result, err := verify.Run(ctx, verify.Options{
		JetStream: js, Source: c.source(client), Meeting: meeting, Patience: c.Patience, Retention: c.Events.Retention,
	})
	chain, cerr := verify.ReadChain(ctx, js, meeting)
	switch {
	case cerr != nil:
		return fmt.Errorf("meeting %s: %w", meeting, cerr)
	case err != nil && chain.Broken == "":
		return fmt.Errorf("meeting %s: %w", meeting, err)
	case err != nil:
		return c.told(call, fmt.Sprintf("meeting %s: %v\n%s", meeting, err, chainLines(chain)), true)
	}
	return c.print(call, result, chain)
}

// chainLines say what the chain of the stored events shows.
func chainLines(chain verify.Chain) string {
	var out strings.Builder
	for _, line := range []struct {
		said bool
		text string
	}{
		{chain.Before > 0, fmt.Sprintf("%d events were stored before there was a chain", chain.Before)},
		{chain.Restarts > 0, "all that was stored of the meeting was lost: what is stored since has a chain that begins anew"},
		{chain.Expired > 0, fmt.Sprintf("the first %d events have expired, as a seal says", chain.Expired)},
		{chain.Erased > 0, fmt.Sprintf("%d events were erased, as the chain says", chain.Erased)},
		{chain.Events > 0 && chain.Seals == 0, fmt.Sprintf("%d chained events, not sealed", chain.Events)},
		{chain.Seals > 0, fmt.Sprintf("%d chained events, %d of them sealed with %s", chain.Events, chain.Seals, strings.Join(chain.Keys, ", "))},
		{chain.Broken != "", "not as it was recorded: " + plaintext.Clean(chain.Broken, maxFinding)},
	} {
		if line.said {
			fmt.Fprintln(&out, line.text)
		}
	}
	return out.String()
}

// told prints what was found out, and ends with the status of a difference if there is one.
func (c *verifyCommand) told(call *config.Invocation, text string, differs bool) error {
	if _, err := fmt.Fprint(call.Stdout, text); unlessUnread(err) != nil {
		return err
	}
	if differs {
		return &config.ExitError{Code: exitDiffers}
	}
	return nil
}

// openAPI returns the client of DingTalk's API. The caller closes it.
func (c *verifyCommand) openAPI(limiter *budget.Limiter, logger *slog.Logger) (*api.Client, error) {
	return api.New(api.Options{
		BaseURL: c.DingTalk.URL.String(), AppKey: c.DingTalk.AppKey, AppSecret: c.DingTalk.AppSecret.Reveal(),
		AccessToken: c.DingTalk.AccessToken.Reveal(), CorpID: c.DingTalk.CorpID,
		Limiter: limiter, UserAgent: "rollcall/" + version.String(), Logger: logger,
	})
}

// source reads meetings as the service does: under pseudonyms if the settings say so.
func (c *verifyCommand) source(client *api.Client) poller.Source {
	if c.Events.Pseudonyms() {
		return pseudonym.NewSource(client, pseudonym.Options{Key: c.Events.PrivacyKey.Reveal(), Titles: c.Events.TitlesShown()})
	}
	return client
}

// giveBackTimeout is how long giving back what was not called may take.
const giveBackTimeout = time.Second

// limits returns the limiter of the calls: the rate of the settings, and the month's calls, which
// the service counts in the same place. The function that is returned gives back what is left.
func (c *verifyCommand) limits(ctx context.Context, nc *nats.Conn) (*budget.Limiter, func(), error) {
	pace, err := budget.NewRate(budget.RateOptions{PerSecond: c.DingTalk.Rate})
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, nil, err
	}
	older, err := publisher.Older(ctx, js)
	if err != nil {
		return nil, nil, err
	}
	month, err := budget.OpenMonth(ctx, nc, budget.MonthOptions{
		Limit: c.DingTalk.Month(older).Calls, Location: c.DingTalk.Location(),
	})
	if err != nil {
		return nil, nil, err
	}
	giveBack := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
		defer cancel()
		_ = month.Close(ctx) // what cannot be given back stays counted, which is safe
	}
	return budget.NewLimiter(budget.LimiterOptions{Rate: pace, Month: month}), giveBack, nil
}

// print says how it turned out.
func (c *verifyCommand) print(call *config.Invocation, r verify.Result, chain verify.Chain) error {
	var out strings.Builder
	if r.Over {
		fmt.Fprintf(&out, "meeting %s, which is over: %d visits announced, %d listed\n", c.Meeting[0], r.Visits, r.Listed)
	} else {
		fmt.Fprintf(&out, "meeting %s: %d announced present, %d active\n", c.Meeting[0], r.Announced, r.Active)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(&out, note)
	}
	out.WriteString(chainLines(chain))
	for _, d := range r.Differences {
		fmt.Fprintf(&out, "%-30s  %s\n", d.Kind, who(d))
	}
	if len(r.Differences) == 0 {
		fmt.Fprintln(&out, "the same")
	} else {
		fmt.Fprintf(&out, "different, in each of %d looks within %v\n", r.Looks, r.Lasted.Round(time.Millisecond))
	}
	return c.told(call, out.String(), len(r.Differences) > 0 || chain.Broken != "")
}

// maxWho is how much of a name or an id is printed, in characters.
const maxWho = 100

// stamp writes a time of this machine with its distance from UTC, as an hour comes twice where
// summer time ends.
func stamp(ms int64) string { return time.UnixMilli(ms).Format(time.DateTime + "-07:00") }

// who names a person, and says since when they are or are not there.
func who(d verify.Difference) string {
	text := plaintext.Clean(d.Person, maxWho)
	if d.UserNick != "" {
		text = plaintext.Clean(d.UserNick, maxWho) + " (" + text + ")"
	}
	if d.Since > 0 {
		text += ", since " + stamp(d.Since)
	}
	if d.Left > 0 {
		text += ", listed as gone at " + stamp(d.Left)
	}
	return text
}
