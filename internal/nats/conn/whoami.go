package conn

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/readers"
)

// whoTime is how long the server may take to say who the user is.
const whoTime = 2 * time.Second

// Writer returns a [config.UsageError] when the user that is connected to the embedded server may
// only read there. With other servers it returns nil: what is refused there is told as it is asked.
func Writer(ctx context.Context, nc *nats.Conn, settings config.NATS) error {
	if settings.External() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, whoTime)
	defer cancel()
	reply, err := nc.RequestWithContext(ctx, readers.UserInfo, nil)
	if err != nil {
		return nil //nolint:nilerr // an older server that has no readers, or one that does not answer anything else either
	}
	var who struct {
		Data struct {
			Account string `json:"account"`
		} `json:"data"`
	}
	if json.Unmarshal(reply.Data, &who) != nil || who.Data.Account != readers.Account {
		return nil
	}
	return config.Usagef("nats-user", "whoever has no login only reads from the embedded server, and this command writes: "+
		"set it with nats-password, or set data-dir to the service's data directory, whose nats.login is used where it can be read")
}
