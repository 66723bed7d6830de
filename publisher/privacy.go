package publisher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// What stands in the stream's metadata of how people are told of. It goes into backups of the
// stream, and comes back with them.
const (
	privacyKey     = "rollcall_privacy"
	fingerprintKey = "rollcall_privacy_key"
)

// The values of Privacy.Mode.
const (
	Full         = "full"
	Pseudonymous = "pseudonym" // people have pseudonyms
)

// Privacy is how events tell of people. One stream has one: whoever sees somebody under two names
// in it, or under name and pseudonym, knows that they are the same for good.
type Privacy struct {
	// Mode is [Full] or [Pseudonymous]; empty for a publisher that tells of nobody.
	Mode string
	// Key is the fingerprint of the key that makes pseudonyms; empty in any other mode.
	Key string
	// Weak says that the key is one that no new stream may have. Where pseudonyms were made with it
	// already it stays.
	Weak bool
	// Switch says that another mode or key than the stream's is to count from now on.
	Switch bool
}

// PrivacyError says that the stream is kept under another mode or key, or that the key is too weak
// for it. Nothing was changed.
type PrivacyError struct {
	// Key says that it is about the key, and not about the mode.
	Key  bool
	text string
}

// Error implements error.
func (e *PrivacyError) Error() string { return e.text }

// errWeakKey refuses a key that is too weak for a new stream.
var errWeakKey = &PrivacyError{Key: true, text: "is too short for new pseudonyms: 32 bytes at least"}

// mark puts into a configuration how people are told of.
func (p Privacy) mark(cfg *jetstream.StreamConfig) {
	if p.Mode == "" {
		return
	}
	metadata := maps.Clone(cfg.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	delete(metadata, fingerprintKey)
	metadata[privacyKey] = p.Mode
	if p.Key != "" {
		metadata[fingerprintKey] = p.Key
	}
	cfg.Metadata = metadata
}

// marked tells whether a configuration says what p is.
func (p Privacy) marked(have jetstream.StreamConfig) bool {
	return p.Mode == "" || have.Metadata[privacyKey] == p.Mode && have.Metadata[fingerprintKey] == p.Key
}

// judge returns why p cannot be used with a stream that says it is of a mode and key; "" for what
// it does not say.
func (p Privacy) judge(mode, key string) error {
	switch {
	case p.Mode == "":
		return nil
	case mode != "" && mode != p.Mode && !p.Switch:
		return &PrivacyError{text: fmt.Sprintf("%s, while what is stored is kept as %s: people would be told of in both ways, which links "+
			"their names to their pseudonyms for good. Set it as before, or start once with --privacy-switch", p.Mode, mode)}
	case mode == Pseudonymous && p.Mode == mode && key != "" && key != p.Key && !p.Switch:
		return &PrivacyError{Key: true, text: fmt.Sprintf("is another one (%s) than that of the pseudonyms that are stored (%s): everybody would be "+
			"a second person. Set it as before, or start once with --privacy-switch", p.Key, key)}
	case p.Weak && (mode != Pseudonymous || key != "" && key != p.Key):
		return errWeakKey
	}
	return nil
}

// CheckPrivacy tells whether events may be told in this way, as [Open] would find it. The error is
// a [PrivacyError] if not.
func CheckPrivacy(ctx context.Context, nc *nats.Conn, want Privacy) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	p := &Publisher{nc: nc, js: js, opts: Options{Privacy: want}.withDefaults(), missed: make(chan struct{}, 1)}
	return p.checkPrivacy(ctx)
}

// checkPrivacy looks at the stream, if there is one, and changes nothing.
func (p *Publisher) checkPrivacy(ctx context.Context) error {
	if p.opts.Privacy.Mode == "" {
		return nil
	}
	st, err := p.js.Stream(ctx, events.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return p.opts.Privacy.judge("", "")
	case err != nil:
		return fmt.Errorf("look for stream %s: %w", events.Stream, err)
	}
	return p.judgeStream(ctx, st.CachedInfo().Config)
}

// judgeStream judges what a stream says, or what its events show where an older version made it.
func (p *Publisher) judgeStream(ctx context.Context, have jetstream.StreamConfig) error {
	mode := have.Metadata[privacyKey]
	if mode == "" {
		var err error
		if mode, err = p.shownMode(ctx); err != nil {
			return err
		}
	}
	return p.opts.Privacy.judge(mode, have.Metadata[fingerprintKey])
}

// pseudonym is what people were called in pseudonym mode by every version that wrote no metadata.
var pseudonym = regexp.MustCompile(`^[pg]-[0-9a-f]{32}$`)

// shownMode is how people are told of in the event that was stored last of any; "" when there is
// none.
func (p *Publisher) shownMode(ctx context.Context) (string, error) {
	last, err := p.lastMessage(ctx, events.AllMembers)
	if err != nil || last == nil {
		return "", err
	}
	e, err := events.Decode(last.Data)
	switch {
	case err != nil:
		return "", nil //nolint:nilerr // somebody else's message shows nothing
	case pseudonym.MatchString(e.Subject):
		return Pseudonymous, nil
	default:
		return Full, nil
	}
}

// settlePrivacy makes the stream say how people are told of, once that is checked: another replica
// may have made it, or changed it, meanwhile.
func (p *Publisher) settlePrivacy(ctx context.Context, have jetstream.StreamConfig) (jetstream.StreamConfig, error) {
	want := p.opts.Privacy
	if want.marked(have) {
		return have, nil
	}
	if err := p.judgeStream(ctx, have); err != nil {
		return have, err
	}
	before := have.Metadata[privacyKey]
	want.mark(&have)
	st, err := p.js.UpdateStream(ctx, have)
	if err != nil {
		return have, fmt.Errorf("write to stream %s how people are told of: %w", events.Stream, err)
	}
	if have = st.CachedInfo().Config; !want.marked(have) {
		return have, fmt.Errorf("%w: the server accepted but ignored metadata", ErrStreamConfig)
	}
	p.log.Warn("the stream says from now on how people are told of", "stream", events.Stream, "privacy", want.Mode, "before", cmp.Or(before, "nothing"))
	return have, nil
}

// comparePrivacy returns why the stream must not be written to any more: it was restored from a
// backup, or somebody has switched. Metadata that are gone are written again.
func (p *Publisher) comparePrivacy(ctx context.Context, have *jetstream.StreamConfig) error {
	want := p.opts.Privacy
	want.Switch, want.Weak = false, false // which was settled when the stream was opened
	if err := want.judge(have.Metadata[privacyKey], have.Metadata[fingerprintKey]); err != nil {
		return err
	}
	if want.marked(*have) || !takesOurs(*have) {
		return nil
	}
	want.mark(have)
	if _, err := p.js.UpdateStream(ctx, *have); err != nil {
		p.log.Debug("the stream cannot be made to say how people are told of", "error", err)
	}
	return nil
}
