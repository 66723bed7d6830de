package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
)

// pushes says how changes are heard of, and whether the callback's keys can be used.
func (o Options) pushes(context.Context) Finding {
	p := o.Settings.Pushes
	var ways []string
	if p.WebhookEnabled() {
		if err := roundTrip(callback.Keys{
			Token: p.WebhookToken.Reveal(), AESKey: p.WebhookAESKey.Reveal(), OwnerKey: p.WebhookOwnerKey,
		}); err != nil {
			return failed(err, "copy token and AES key again from the page where the callback is registered")
		}
		ways = append(ways, "webhook at /webhooks/dingtalk")
	}
	switch {
	case p.StreamMode == config.StreamOn:
		ways = append(ways, "stream connection")
	case o.Settings.StreamOffered():
		ways = append(ways, "stream connection, unless this installation is older than --stream-mode=auto; if another program reads the "+
			"app's stream, set it to false")
	}
	if len(ways) == 0 {
		return note("none: who joins is noticed by polling alone, later and with more calls",
			"set --stream-mode, or --webhook-token, --webhook-aes-key and --webhook-owner-key")
	}
	if key := o.Settings.DingTalk.AppKey; p.WebhookEnabled() && key != "" && p.WebhookOwnerKey != key {
		return note(strings.Join(ways, ", ")+"; the owner key is not the AppKey",
			"that is right only if it is the corpId, of a callback that was registered by the older call")
	}
	return ok(strings.Join(ways, ", "))
}

// roundTrip encrypts, signs and reads a message with the callback's keys.
func roundTrip(keys callback.Keys) error {
	c, err := callback.NewCipher(keys)
	if err != nil {
		return err
	}
	const message, timestamp, nonce = "success", "1", "n"
	encrypted := c.Encrypt([]byte(message))
	if err := c.Verify(c.Sign(timestamp, nonce, encrypted), timestamp, nonce, encrypted); err != nil {
		return err
	}
	read, err := c.Decrypt(encrypted)
	if err == nil && string(read) != message {
		err = errors.New("what is encrypted with these keys cannot be read with them")
	}
	return err
}

// http says whether the service can listen, or is listening already.
func (o Options) http(ctx context.Context) Finding {
	address := string(o.Settings.HTTP.Listen)
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		if err := ln.Close(); err != nil {
			return failed(err, "")
		}
	case errors.Is(err, syscall.EADDRINUSE) && answers(ctx, address, o.Settings.HTTP.TLSCert != ""):
		return ok("a service is running on " + address)
	default:
		return failed(err, "choose another --listen, or stop what has that address")
	}
	if err := o.Settings.HTTP.CheckToken(o.Settings.Pushes); err != nil {
		return failed(err, "set --api-token, or --api-tokens with a file that rollcall token makes")
	}
	if !o.Settings.HTTP.TokenSet() {
		return ok(address + " is free; no token is set, so every program on this machine may use API and page")
	}
	return ok(address + " is free")
}

// answers tells whether what listens on the address is a Rollcall, going by its answer to /livez.
func answers(ctx context.Context, address string, secure bool) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme, client := "http", &http.Client{}
	if secure {
		// Whose certificate it is says nothing about what is running there.
		scheme, client.Transport = "https", &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s://%s/livez", scheme, net.JoinHostPort(host, port)), nil)
	if err != nil {
		return false
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	const alive = "ok\n"
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(len(alive)+1)))
	return err == nil && resp.StatusCode == http.StatusOK && string(body) == alive
}
