package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Address is a TCP address to listen on: host and port, the host empty for every interface.
type Address string

// Loopback says whether only this machine can reach the address. Any name but localhost may mean
// anything.
func (a Address) Loopback() bool {
	host, _, err := net.SplitHostPort(string(a))
	ip := net.ParseIP(host)
	return err == nil && (ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost"))
}

// Privacy says what events tell of a person.
type Privacy string

// The kinds of privacy.
const (
	// PrivacyFull is everything DingTalk tells.
	PrivacyFull Privacy = "full"
	// PrivacyPseudonym is a keyed hash instead of the unionId, and no nickname.
	PrivacyPseudonym Privacy = "pseudonym"
)

// Titles says what pseudonyms leave of the titles of meetings.
type Titles string

// What may be left of titles.
const (
	// TitlesDrop leaves none.
	TitlesDrop Titles = "drop"
	// TitlesKeep leaves them as they are.
	TitlesKeep Titles = "keep"
)

// LogFormat is the form of log lines.
type LogFormat string

// The forms of log lines.
const (
	// LogAuto is text on a terminal, else JSON.
	LogAuto LogFormat = "auto"
	// LogText is one readable line each.
	LogText LogFormat = "text"
	// LogJSON is one JSON object each.
	LogJSON LogFormat = "json"
)

// mappers tell kong how to read a setting of each type. They replace kong's own so that a message
// says what is wanted in the words of the settings' documentation, and never repeats a secret.
func mappers() []kong.Option {
	return []kong.Option{
		mapper(parseText),
		mapper(parseSecret),
		mapper(parseDuration),
		mapper(parseURL),
		mapper(ParseServers),
		mapper(parseAddress),
		mapper(parseNetworks),
		mapper(ParseReserve),
		mapper(parseFloat),
		mapper(parseInt[int]),
		mapper(parseInt[int64]),
		mapper(oneOf(EditionStandard, EditionProfessional, EditionPack)),
		mapper(parseQuota),
		kong.TypeMapper(reflect.TypeFor[StreamMode](), streamModes{}),
		mapper(oneOf(PrivacyFull, PrivacyPseudonym)),
		mapper(oneOf(TitlesDrop, TitlesKeep)),
		mapper(oneOf(LogAuto, LogText, LogJSON)),
		mapper(parseLevel),
		kong.NamedMapper("retention", decoder(parseRetention)),
		kong.NamedMapper("optional", decoder(parseOptional)),
	}
}

func mapper[T any](parse func(string) (T, error)) kong.Option {
	return kong.TypeMapper(reflect.TypeFor[T](), decoder(parse))
}

func decoder[T any](parse func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if ctx.Scan.Peek().IsEOL() {
			return errors.New("needs a value")
		}
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return errors.New("needs a value")
		}
		value, err := parse(strings.Trim(text, "\r\n"))
		if err == nil {
			target.Set(reflect.ValueOf(value))
		}
		return err
	}
}

func parseText(text string) (string, error) { return text, nil }

// errTooLong is about a duration so long that sums of times may overflow.
var errTooLong = fmt.Errorf("more than 100 years (%s)", shortDuration(maxDuration))

// anyDuration is what time.ParseDuration takes, however long: it refuses more than 292 years as if
// they were no duration.
var anyDuration = regexp.MustCompile(`^[+]?(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`)

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case d > maxDuration, err != nil && anyDuration.MatchString(text):
		return 0, fmt.Errorf("%s is %w", text, errTooLong)
	case err != nil:
		return 0, fmt.Errorf("%q is no duration such as 500ms, 10s, 5m, 720h or 0", text)
	case d < 0:
		return 0, fmt.Errorf("%s is negative", text)
	}
	return d, nil
}

// parseRetention says with what is too long how events are kept for ever: 0.
func parseRetention(text string) (time.Duration, error) {
	d, err := parseDuration(text)
	if errors.Is(err, errTooLong) {
		return 0, fmt.Errorf("%w; %s", err, keepForEver)
	}
	return d, err
}

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return f, nil
}

func parseInt[T int | int64](text string) (T, error) {
	n, err := strconv.ParseInt(text, 10, reflect.TypeFor[T]().Bits())
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return T(n), nil
}

func oneOf[T ~string](allowed ...T) func(string) (T, error) {
	return func(text string) (T, error) {
		words := make([]string, len(allowed))
		for i, word := range allowed {
			if text == string(word) {
				return word, nil
			}
			words[i] = string(word)
		}
		return "", fmt.Errorf("%q is none of %s", text, strings.Join(words, ", "))
	}
}

func parseLevel(text string) (slog.Level, error) {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, found := levels[strings.ToLower(text)]
	if !found {
		return 0, fmt.Errorf("%q is none of debug, info, warn, error", text)
	}
	return level, nil
}

// parseURL does not repeat the text: a URL may hold credentials.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("is no URL such as https://api.dingtalk.com")
	case u.User != nil:
		return nil, errors.New("must not hold a user or a password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not hold a query or a fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func parseAddress(text string) (Address, error) {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q is no address such as 127.0.0.1:8080", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q has no port from 0 to 65535", text)
	} else if port != strconv.FormatUint(n, 10) {
		return "", fmt.Errorf("%q has no port from 0 to 65535", text)
	}
	return Address(text), nil
}

// parseOptional reads the address of a listener that need not be.
func parseOptional(text string) (Address, error) {
	if text == "" {
		return "", nil
	}
	return parseAddress(text)
}
