package api

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

func TestNewNamesTheUnusableOption(t *testing.T) {
	app := Options{AppKey: "key", AppSecret: testSecret}
	cases := map[string]struct {
		change func(*Options)
		want   string
	}{
		"nobody":                     {func(o *Options) { *o = Options{} }, "AppKey and AppSecret, or AccessToken, are required"},
		"no secret":                  {func(o *Options) { o.AppSecret = "" }, "AppSecret is required"},
		"no key":                     {func(o *Options) { o.AppKey = "" }, "AppKey is required"},
		"token and secret":           {func(o *Options) { o.AccessToken = testToken }, "AccessToken excludes"},
		"token and grant":            {func(o *Options) { *o = Options{AccessToken: testToken, ClientCredentials: true} }, "ClientCredentials"},
		"token with a line break":    {func(o *Options) { *o = Options{AccessToken: testToken + "\n"} }, "AccessToken cannot be sent"},
		"token too long":             {func(o *Options) { *o = Options{AccessToken: strings.Repeat("x", 5000)} }, "AccessToken cannot be sent"},
		"grant without organisation": {func(o *Options) { o.ClientCredentials = true }, "CorpID is required"},
		"URL of another scheme":      {func(o *Options) { o.BaseURL = "ftp://api" }, "BaseURL"},
		"URL without a host":         {func(o *Options) { o.BaseURL = "https://" }, "BaseURL"},
		"URL that is none":           {func(o *Options) { o.BaseURL = "https://a b%zz" }, "BaseURL"},
		"URL with a password":        {func(o *Options) { o.BaseURL = "https://u:" + testSecret + "@api" }, "BaseURL must not hold a user"},
		"URL with a query":           {func(o *Options) { o.BaseURL = "https://api?x=1" }, "BaseURL"},
		"negative page":              {func(o *Options) { o.PageSize = -1 }, "PageSize"},
		"huge page":                  {func(o *Options) { o.PageSize = 10_001 }, "PageSize"},
		"negative time-out":          {func(o *Options) { o.Timeout = -time.Second }, "Timeout"},
		"negative connections":       {func(o *Options) { o.MaxConns = -1 }, "MaxConns"},
		"user agent with a break":    {func(o *Options) { o.UserAgent = "a\r\nb" }, "UserAgent"},
		"secret that is no UTF-8":    {func(o *Options) { o.AppSecret = "\xff\xfe\xfd\xfc" }, "AppSecret"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := app
			c.change(&o)
			_, err := New(o)
			require.Error(t, err)
			assert.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), testSecret)
			assert.NotContains(t, err.Error(), testToken)
		})
	}
}

func TestNewHasDefaults(t *testing.T) {
	c, err := New(Options{AccessToken: testToken})
	require.NoError(t, err)
	defer c.Close()
	assert.Equal(t, wire.DefaultBaseURL, c.base)
	assert.Equal(t, 500, c.pageSize)
	assert.Equal(t, 10*time.Second, c.timeout)
	assert.Equal(t, []string{"rollcall"}, c.userAgent)
	assert.NoError(t, c.CheckToken(t.Context()))
}

func TestNewKeepsAPathPrefix(t *testing.T) {
	c, err := New(Options{AccessToken: testToken, BaseURL: "http://gateway/dingtalk/"})
	require.NoError(t, err)
	defer c.Close()
	assert.Equal(t, "http://gateway/dingtalk", c.base)
}
