package chaos_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
)

// keep writes what happened when, if logs are kept.
func (r *report) keep() {
	if *logs == "" {
		return
	}
	type line struct {
		at   time.Time
		text string
	}
	var all []line
	for _, c := range r.calls {
		all = append(all, line{c.at, fmt.Sprintf("replica-%d call %s", c.replica+1, c.look)})
	}
	for _, h := range r.world.tally.hurts {
		who := fmt.Sprintf("replica-%d", h.victim+1)
		if h.victim < 0 {
			who = "NATS"
		}
		all = append(all, line{h.from, who + " begins to suffer from " + h.in.kind}, line{h.to, who + " is well again"})
	}
	for _, o := range r.world.tally.down {
		all = append(all, line{o.from, "DingTalk's API fails"}, line{o.to, "DingTalk's API works again"})
	}
	for _, o := range r.world.tally.outages {
		all = append(all, line{o.from, "NATS stores nothing"}, line{o.to, "NATS stores again"})
	}
	slices.SortStableFunc(all, func(a, b line) int { return a.at.Compare(b.at) })
	var out strings.Builder
	for _, l := range all {
		_, _ = fmt.Fprintf(&out, "%s %s\n", l.at.UTC().Format("15:04:05.000"), l.text)
	}
	assert.NoError(r.world.t, os.WriteFile(filepath.Join(logDir(r.world.t), "timeline.log"), []byte(out.String()), 0o600))
}
