package sdktest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// block is what a client hands on of a block of server-sent events.
type block struct{ Event, ID, Data string }

// Clients of others miss nothing and hear nothing twice when they are cut off: before the first
// event, or later.
func TestServerSentEvents(t *testing.T) {
	for _, client := range []string{"eventsource", "eventsource-client"} {
		t.Run(client, func(t *testing.T) {
			p := runProduct(t)
			proxy := faultproxy.Start(t, strings.TrimPrefix(p.base, "http://"))
			cmd := script(t, "sse.mjs", client, "http://"+proxy.Addr()+"/v1/events?meeting="+meeting)
			var complaints strings.Builder
			cmd.Stderr = &complaints
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				_, _ = io.Copy(io.Discard, out)
				_ = cmd.Wait() // it was killed
			})
			lines := bufio.NewScanner(out)
			next := func() (b block) {
				require.True(t, lines.Scan(), "%s", &complaints)
				require.NoError(t, json.Unmarshal(lines.Bytes(), &b))
				return b
			}
			assert.Equal(t, "position", next().Event)
			var told []string
			for visit := 1; visit <= 3; visit++ {
				proxy.Refuse(true)
				proxy.Cut()
				p.do("bob", "join")
				p.do("bob", "leave")
				proxy.Refuse(false)
				for len(told) < 2*visit {
					b := next()
					if b.Event == "position" {
						assert.Equal(t, "{}", b.Data)
						continue
					}
					e, err := events.Decode([]byte(b.Data))
					require.NoError(t, err)
					told = append(told, fmt.Sprint(e.Sequence, " ", e.Type))
				}
			}
			assert.Equal(t, []string{
				"2 conference.member.joined", "3 conference.member.left", "4 conference.member.joined",
				"5 conference.member.left", "6 conference.member.joined", "7 conference.member.left",
			}, told)
		})
	}
}
