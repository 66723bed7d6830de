package wire

import (
	"errors"
	"fmt"
	"net/url"
)

// DefaultBaseURL is the API of mainland DingTalk; the international edition's is
// https://api.dingtalk.io.
const DefaultBaseURL = "https://api.dingtalk.com"

// CheckBaseURL tells what is wrong with the URL of an API. It does not repeat the URL where that
// may hold a password.
func CheckBaseURL(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return errors.New("BaseURL is not a URL")
	case u.User != nil:
		return errors.New("BaseURL must not hold a user or password")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("BaseURL %q does not begin with https:// or http://", base)
	case u.Host == "":
		return fmt.Errorf("BaseURL %q names no host", base)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("BaseURL %q must not have a query or fragment", base)
	}
	return nil
}
