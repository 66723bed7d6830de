package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

// TestOldServersAreRefused has every command that stores meet NATS servers that can store nothing:
// they say so in one line, which names the server, and end in time. Real ones are tried where there
// are some, see package natstest.
func TestOldServersAreRefused(t *testing.T) {
	old := map[string]string{ // what is said of the server, by its URL
		natstest.Says(t, "2.12.7"):      `server "oldie" at 127.0.0.1:`,
		natstest.Says(t, "2.12.8-RC.1"): "is 2.12.8-RC.1",
		natstest.Says(t, "odd"):         `"odd" as its version`,
	}
	for _, binary := range natstest.TooOld() {
		old[natstest.Start(t, binary, &server.Options{StoreDir: disk.Fast(t)}).ClientURL()] = "is 2.12."
	}
	for url, says := range old {
		for _, args := range [][]string{{"serve"}, {"doctor"}, {"bot"}, {"verify", "m"}} {
			t.Run(says+" "+args[0], func(t *testing.T) {
				t.Parallel()
				in := install(t)
				in.env = append(in.env, "ROLLCALL_BOT_RULES="+in.robot(), "ROLLCALL_NATS_URL="+url)
				p := in.run(args...)
				p.ends(1, 20*time.Second)
				said := strings.Split(p.stdout.String()+p.stderr.String(), "\n")
				said = slices.DeleteFunc(said, func(line string) bool { return !strings.Contains(line, "NATS server 2.12.8 or newer is needed") })
				if assert.Len(t, said, 1) {
					assert.Contains(t, said[0], says)
				}
			})
		}
	}
}
