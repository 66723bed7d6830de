package publisher

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The formats of what is stored. A new stream has the newest; one from before is switched, for
// good, once every live replica can write it, see [Options.Switch].
const (
	// formatPlain is that of the streams from before there were formats.
	formatPlain = 1
	// formatChained has the events of a meeting chained, states sealed with a key of their meeting,
	// and meetings that expire as a whole.
	formatChained = 2
	// Format is the newest that this Rollcall can do.
	Format = formatChained
)

const (
	// formatKey stands in the metadata of a stream and says its format. Without it that is
	// formatPlain.
	formatKey = "rollcall_format"
	// formatGuard is the max_msg_size of a stream from formatChained on. It limits nothing, as no
	// server takes messages of such a size, but a Rollcall that does not know of formats takes it
	// for a limit that somebody has set, and refuses the stream.
	formatGuard = math.MaxInt32
	// switchEvery is how often it is asked whether a stream may be switched. Twice in a row it has
	// to be said: a replica that has just opened the stream is yet to announce itself.
	switchEvery = 5 * time.Second
)

// inFormat is a configuration of the stream as one of a format.
func inFormat(cfg jetstream.StreamConfig, format int) jetstream.StreamConfig {
	if format == formatPlain {
		return cfg
	}
	cfg.Metadata = maps.Clone(cfg.Metadata)
	if cfg.Metadata == nil {
		cfg.Metadata = map[string]string{}
	}
	cfg.Metadata[formatKey], cfg.MaxMsgSize = strconv.Itoa(format), formatGuard
	return cfg
}

// formatOf returns a stream's format. One whose metadata somebody has lost is told by its guard.
func formatOf(have jetstream.StreamConfig) (int, error) {
	said, ok := have.Metadata[formatKey]
	switch {
	case ok:
	case have.MaxMsgSize == formatGuard:
		return formatChained, nil
	default:
		return formatPlain, nil
	}
	format, err := strconv.Atoi(said)
	if err != nil || format < formatPlain {
		return 0, fmt.Errorf("%s is %.20q, which is no format", formatKey, said)
	}
	if format > Format {
		return 0, fmt.Errorf("%s is %d, and this Rollcall knows %d at most: a newer one wrote it", formatKey, format, Format)
	}
	return format, nil
}

// format is the stream's format as far as this publisher knows. Another replica may have switched
// it since.
func (p *Publisher) format() int { return int(p.streamFormat.Load()) }

// noteFormat takes over the format that the stream was found in. What is refused changes nothing.
func (p *Publisher) noteFormat(have jetstream.StreamConfig) {
	if format, err := formatOf(have); err == nil {
		p.streamFormat.Store(int32(format))
	}
}

// unlessSwitched is the longest time until the stream is looked at again: while it may be switched,
// that is soon.
func (p *Publisher) unlessSwitched() time.Duration {
	if p.opts.Switch == nil || p.format() >= Format {
		return p.opts.CompareEvery
	}
	return min(p.opts.CompareEvery, switchEvery)
}

// switchFormat switches a stream of an older format, if every live replica can do the newest, and
// could do so the last time. It changes nothing of a stream that is not as it should be.
func (p *Publisher) switchFormat(ctx context.Context, have jetstream.StreamConfig) {
	format, err := formatOf(have)
	if err != nil || format >= Format || p.opts.Switch == nil || p.Drift() != nil {
		return
	}
	may := p.opts.Switch(Format)
	before := p.mayDo
	if p.mayDo = may; !may || !before {
		return
	}
	asking, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
	defer cancel()
	st, err := p.js.UpdateStream(asking, inFormat(have, Format))
	if err != nil {
		p.log.Warn("the stream cannot be switched to a newer format", "format", Format, "error", err)
		return
	}
	p.noteFormat(st.CachedInfo().Config)
	p.log.Info("the stream is of a newer format from now on, which an older Rollcall refuses", "format", p.format())
}
