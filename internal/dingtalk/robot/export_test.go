package robot

import "net/http"

// UseTransport lets a function answer instead of the network.
func (c *Client) UseTransport(f func(*http.Request) (*http.Response, error)) {
	c.http.Transport = transport(f)
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
