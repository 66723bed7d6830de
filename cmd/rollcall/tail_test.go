package main

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// History comes first, and then what is new: nothing is missing between them, and nothing comes
// twice.
func TestTailFrom(t *testing.T) {
	t.Parallel()
	s, all := recorded(t)
	r := s.Record()
	for name, c := range map[string]struct {
		args []string
		old  int // of what was recorded
	}{
		"the start": {[]string{"--from=start"}, len(all)},
		"a while":   {[]string{"--from=1h"}, len(all)},
		"only now":  {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, nil, environment(t.TempDir()), append([]string{"tail", "--nats-url=" + s.URL(), "--json"}, c.args...)...)
			require.Eventually(t, func() bool { // it follows
				r.Join("late")
				return strings.Contains(p.stdout.String(), `"conferenceId":"late"`)
			}, patience, 50*time.Millisecond)
			name := r.Join("last")
			p.says(`"` + name + `"`)
			p.stop(syscall.SIGINT)
			var old []string
			seen := map[string]bool{}
			for _, line := range told(t, p.stdout.String()) {
				assert.False(t, seen[line], "twice: %s", line)
				seen[line] = true
				if !strings.HasPrefix(line, "la") {
					old = append(old, line)
				}
			}
			assert.Len(t, old, c.old)
		})
	}
}

func TestTailSaysWhichDay(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	s.Record().Join("a")
	p := launch(t, nil, environment(t.TempDir()), "tail", "--nats-url="+s.URL(), "--from=start")
	p.says("+ joined")
	p.stop(syscall.SIGTERM)
	assert.Contains(t, p.stdout.String(), "\nTuesday, 14 November 2023\n22:13:30.000+00:00  + joined", "the day of an old event")
}

func TestTailOfAMeetingThatIsYetToBegin(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	r.Join("a")
	for _, args := range [][]string{nil, {"--json"}} {
		p := launch(t, nil, environment(t.TempDir()), append([]string{"tail", "--nats-url=" + s.URL(), "--meeting=nope" + strconv.Itoa(len(args))}, args...)...)
		p.logs("no meeting nope" + strconv.Itoa(len(args)) + " yet")
		r.Join("nope" + strconv.Itoa(len(args)))
		p.says("nope" + strconv.Itoa(len(args)))
		p.stop(syscall.SIGTERM)
	}
	p := launch(t, nil, environment(t.TempDir()), "tail", "--nats-url="+s.URL(), "--meeting=a", "--from=start")
	p.says("+ joined")
	p.stop(syscall.SIGTERM)
	assert.Empty(t, p.stderr.String())
}
