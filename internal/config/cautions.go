package config

import (
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Caution is a way in which somebody else may come to a secret, and what to do about it.
type Caution struct{ Text, Remedy string }

// secretFileTag marks the settings that name a file with a secret in it that is read by others than
// this package: `holds:"secret"`.
const secretFileTag = "holds"

// cautions are about where the secrets of the command that was parsed came from.
func (s *sources) cautions(ctx *kong.Context) []Caution {
	var out []Caution
	seen := map[string]bool{}
	file := func(path, what string) {
		if path != "" && !seen[path] && othersRead(path) {
			seen[path] = true
			out = append(out, Caution{fmt.Sprintf("%s (%s) can be read by others", path, what), "chmod 600 " + path})
		}
	}
	for _, flag := range ctx.Flags() {
		if !s.isSetting(flag) {
			continue
		}
		origin := s.resolved[flag.Name].origin
		switch {
		case flag.Tag.Has(secretFileTag):
			file(fmt.Sprint(flag.Target.Interface()), flag.Name)
		case !holdsSecret(flag.Target), origin.Level == Default:
		case origin.SecretFile != "":
			file(origin.SecretFile, flag.Name+fileSuffix)
		case origin.Level == File:
			file(origin.File, "the settings file, with "+FileKey(flag.Name)+" in it")
		case origin.Level == Flag:
			out = append(out, Caution{
				fmt.Sprintf("--%s on the command line can be read by every user of this machine while the program runs", flag.Name),
				onCommandLine(flag),
			})
		}
	}
	return out
}

// holdsSecret tells whether a value is a secret, or holds one.
func holdsSecret(target reflect.Value) bool {
	switch v := target.Interface().(type) {
	case Secret:
		return v != ""
	case Servers:
		return strings.Contains(strings.Join(v, ","), "@")
	default:
		return false
	}
}

// onCommandLine says how else a secret can be given.
func onCommandLine(flag *kong.Flag) string {
	if _, secret := reflect.TypeAssert[Secret](flag.Target); secret {
		return fmt.Sprintf("put it into a file of mode 600, and name that by --%s%s or %s_FILE", flag.Name, fileSuffix, EnvName(flag.Name))
	}
	return "set user and password by settings of their own, with the password in a file"
}

// othersRead tells whether a file can be read by other users than its owner. A group that this
// process itself needs to read it is let pass.
func othersRead(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false // who reads it says so
	}
	const group, world fs.FileMode = 0o040, 0o004
	mode := info.Mode().Perm()
	return mode&world != 0 || mode&group != 0 && isOwner(info)
}

// Cautions are the ways in which secrets would be sent that anybody on the way can read.
func (s Settings) Cautions() []Caution {
	return slices.Concat(s.DingTalk.cautions(), s.NATS.Cautions(), s.HTTP.OIDC.cautions())
}

func (d DingTalk) cautions() []Caution {
	if d.URL == nil || !inClearText(d.URL) {
		return nil
	}
	return []Caution{{
		fmt.Sprintf("dingtalk-url is %s: the app's secret, tokens and names are sent in clear text", d.URL.Redacted()), "use https://",
	}}
}

func (o OIDC) cautions() (out []Caution) {
	for _, at := range []struct{ setting, value, what string }{
		{"oidc-issuer", o.Issuer, "the client's secret, tokens and people's names"},
		{"oidc-redirect-url", o.RedirectURL, "cookies that log people in"},
	} {
		if u, err := url.Parse(at.value); err == nil && inClearText(u) {
			out = append(out, Caution{fmt.Sprintf("%s is %s: %s are sent in clear text", at.setting, u.Redacted(), at.what), "use https://"})
		}
	}
	return out
}

// Cautions are those about the login to NATS, as far as the settings themselves hold it.
func (n NATS) Cautions() []Caution {
	encrypted := n.CA != "" || n.Cert != "" // the client insists on TLS then
	var hosts []string
	for _, server := range n.URL {
		u, err := url.Parse(server)
		if err != nil || encrypted || u.Scheme != "nats" && u.Scheme != "ws" || onLoopback(u) {
			continue
		}
		if u.User != nil || n.Password != "" || n.Token != "" {
			hosts = append(hosts, u.Scheme+"://"+u.Host)
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	return []Caution{{
		fmt.Sprintf("the password for %s is sent in clear text unless the server asks for TLS", strings.Join(slices.Compact(hosts), ", ")),
		"use tls://, with nats-ca for an authority of your own; or nats-creds or nats-nkey, which are not sent",
	}}
}

// inClearText tells whether what is sent to a URL can be read on the way.
func inClearText(u *url.URL) bool { return u.Scheme == "http" && !onLoopback(u) }

// onLoopback tells whether a URL is of this machine.
func onLoopback(u *url.URL) bool {
	return Address(net.JoinHostPort(u.Hostname(), "1")).Loopback()
}
