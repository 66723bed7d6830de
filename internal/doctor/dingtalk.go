package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/api"
)

// clockTolerance is how far this machine's clock may be from DingTalk's. Times of events are
// DingTalk's; what suffers first is the freshness of pushes and how late an event is said to be.
const clockTolerance = 5 * time.Second

// upstream examines the API. A check that builds on one that failed is skipped.
type upstream struct {
	opts   Options
	client *api.Client
	server time.Time // its clock when it answered; zero when it did not say
	asked  time.Time // our clock, half-way through the exchange
	trust  bool      // there is an access token
}

// credentials says whether there is anything to log in with.
func (o Options) credentials(context.Context) Finding {
	d := o.Settings.DingTalk
	if err := d.RequireLogin(); err != nil {
		return failed(err, "take AppKey and AppSecret from the app's page in DingTalk's developer console")
	}
	if d.AccessToken != "" {
		return note("a fixed access token", "it expires after two hours; AppKey and AppSecret get a new one by themselves")
	}
	return ok("app " + d.AppKey)
}

// reached asks the server for anything: whatever it answers, it is there. That costs no API call.
func (u *upstream) reached(ctx context.Context) Finding {
	address := u.opts.Settings.DingTalk.URL
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address.String(), nil)
	if err != nil {
		return failed(err, "correct --dingtalk-url")
	}
	req.Header.Set("User-Agent", u.opts.UserAgent)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return failed(err, "check --dingtalk-url, and that this machine may connect there (name service, firewall, proxy)")
	}
	_ = resp.Body.Close() // of a HEAD, which has no body
	took := time.Since(began)
	u.asked = began.Add(took / 2)
	u.server, _ = http.ParseTime(resp.Header.Get("Date"))
	return ok(fmt.Sprintf("%s answers within %v", address.Host, took.Round(time.Millisecond)))
}

func (u *upstream) clock(context.Context) Finding {
	if u.server.IsZero() {
		return skipped("the server does not tell its time")
	}
	// The header has whole seconds, the rest being cut off.
	off := u.asked.Sub(u.server.Add(500 * time.Millisecond)).Round(time.Second)
	if off.Abs() <= clockTolerance {
		return ok("within a few seconds of DingTalk's")
	}
	return failed(fmt.Errorf("this machine's clock is %v off DingTalk's", off), "set the clock by NTP")
}

// token gets an access token, which costs no API call.
func (u *upstream) token(ctx context.Context) Finding {
	d := u.opts.Settings.DingTalk
	if d.RequireLogin() != nil {
		return skipped("no credentials")
	}
	var err error
	u.client, err = api.New(api.Options{
		BaseURL: d.URL.String(), AppKey: d.AppKey, AppSecret: d.AppSecret.Reveal(), AccessToken: d.AccessToken.Reveal(),
		CorpID: d.CorpID, PageSize: u.opts.Settings.Polling.PageSize, UserAgent: u.opts.UserAgent,
	})
	if err != nil {
		return failed(err, "correct the settings that begin with --dingtalk")
	}
	if err := u.client.CheckToken(ctx); err != nil {
		return failed(err, mend(err))
	}
	u.trust = true
	if d.AccessToken != "" {
		return skipped("the next check uses the fixed one")
	}
	return ok("granted")
}

func (u *upstream) close() {
	if u.client != nil {
		u.client.Close()
	}
}

// permission lists the live meetings, which is the one API call that is spent. draw takes it out of
// the month's.
func (u *upstream) permission(ctx context.Context, draw func(context.Context) error) Finding {
	if !u.trust {
		return skipped("no access token")
	}
	if err := draw(ctx); err != nil {
		return skipped("no call is to be had of the month's: " + err.Error())
	}
	list, err := u.client.OngoingMeetings(ctx)
	if err != nil {
		return failed(err, mend(err))
	}
	return ok(fmt.Sprintf("meetings can be read; %d going on now", len(list.Meetings)))
}

// mends say what to do about a failed call.
var mends = map[api.Kind]string{
	api.KindReply:       "check that --dingtalk-url is the API itself and no proxy or log-in page",
	api.KindNetwork:     "check --dingtalk-url, and that this machine may connect there",
	api.KindTimeout:     "check that this machine may connect to --dingtalk-url; try again",
	api.KindServer:      "DingTalk has trouble of its own: try again later",
	api.KindThrottled:   "other programs use up the call rate of this app: lower --dingtalk-rate, or give Rollcall an app of its own",
	api.KindBlocked:     "this machine's address is blocked: wait some minutes and lower --dingtalk-rate",
	api.KindExhausted:   "the organisation's calls of the month are used up: buy more; until then only pushes are heard",
	api.KindDenied:      "give the app the permission VideoConference.Conference.Read in DingTalk's developer console, and publish it",
	api.KindToken:       "the access token has expired or belongs to somebody else: set --dingtalk-app-key and --dingtalk-app-secret instead",
	api.KindCredentials: "compare --dingtalk-app-key and --dingtalk-app-secret with the app's page in DingTalk's developer console",
}

func mend(err error) string {
	if call, ok := errors.AsType[*api.Error](err); ok {
		return mends[call.Kind]
	}
	return ""
}
