package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
)

// ErrDamaged says that what is stored of the log is not what Rollcall stored.
var ErrDamaged = errors.New("the log of meetings is damaged")

// Checkpoint reads the newest signed checkpoint, as somebody who may only read can; nil when there
// is none.
func Checkpoint(ctx context.Context, js jetstream.JetStream) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stream, err := js.Stream(ctx, events.AuditStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, wrapped("read", err)
	}
	msg, err := stream.GetLastMsgForSubject(ctx, checkpointSubject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, wrapped("read", err)
	}
	return msg.Data, nil
}

// Leaves reads the first leaves of the log, as somebody who may only read can.
func Leaves(ctx context.Context, js jetstream.JetStream, size int64) ([]evidence.Hash, error) {
	stream, err := js.Stream(ctx, events.AuditStream)
	if err != nil {
		return nil, wrapped("read", err)
	}
	var leaves []evidence.Hash
	for i := range evidence.Tiles(size) {
		asking, cancel := context.WithTimeout(ctx, timeout)
		msg, err := stream.GetLastMsgForSubject(asking, tileSubject+strconv.FormatInt(i, 10))
		cancel()
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, wrapped("read", err)
		}
		want := min(size-int64(len(leaves)), evidence.TileSize)
		var tile []evidence.Hash
		if err == nil {
			tile = evidence.SplitTile(msg.Data)
		}
		if int64(len(tile)) < want {
			return nil, fmt.Errorf("%w: tile %d has %d of %d leaves", ErrDamaged, i, len(tile), want)
		}
		leaves = append(leaves, tile[:want]...)
	}
	return leaves, nil
}
