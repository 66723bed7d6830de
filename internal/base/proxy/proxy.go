// Package proxy finds the HTTP proxy that the environment names. The standard library takes a
// variable that it cannot read for one that is not set, and so bypasses the proxy without a word;
// here that is an error.
package proxy

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
)

// variables are those that net/http reads, in its order: of two of a kind the first that is not
// empty counts.
var variables = [][2]string{{"HTTPS_PROXY", "https_proxy"}, {"HTTP_PROXY", "http_proxy"}}

// Error is a variable that names no proxy. It does not repeat the value, which may hold a password.
type Error struct {
	Variable string
	Problem  string
}

// Error names the variable.
func (e *Error) Error() string {
	return fmt.Sprintf("%s names no proxy: %s; it has to be like http://host:port, https://… or socks5://…", e.Variable, e.Problem)
}

// Check returns an [*Error] for the first variable that is set and cannot be used. lookup is like
// [os.LookupEnv].
func Check(lookup func(name string) (string, bool)) error {
	for _, names := range variables {
		for _, name := range names {
			value, _ := lookup(name)
			if value == "" {
				continue
			}
			if problem := problemOf(value); problem != "" {
				return &Error{Variable: name, Problem: problem}
			}
			break
		}
	}
	return nil
}

// problemOf says why a value cannot be used, empty if it can. Like net/http it takes host:port
// without a scheme.
func problemOf(value string) string {
	u, err := url.Parse(value)
	if !strings.Contains(value, "://") {
		u, err = url.Parse("http://" + value)
	}
	if err != nil {
		return "it is no address"
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return "it has another scheme"
	}
	if u.Hostname() == "" {
		return "it has no host"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "its port is not between 1 and 65535"
		}
	}
	return ""
}

// checked is what the environment of this process says, read once as net/http reads it.
var checked = sync.OnceValue(func() error { return Check(os.LookupEnv) })

// local reports whether net/http reaches a host without a proxy in any case.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// FromEnvironment is [http.ProxyFromEnvironment], but that a variable which cannot be used is an
// error. No error of it holds a password.
func FromEnvironment(req *http.Request) (*url.URL, error) {
	if err := checked(); err != nil && !local(req.URL.Hostname()) {
		return nil, err
	}
	u, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, errors.New("the proxy that the environment names has no usable address")
	}
	return u, nil
}
