package doctor

import (
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/publisher"
)

// refusalMends are what to do about JetStream's refusals, by their codes. Source: nats-server 2.15,
// server/errors.json.
var refusalMends = map[int]string{
	10002: "raise the account's limits (max_file, max_mem): its storage is used up, or it has none",
	10005: "too few servers with JetStream and room can be reached: start those that are away, or lower --nats-replicas",
	10023: "the server is short of room: free some, or raise max_file_store and max_memory_store",
	10026: "raise max_consumers of the account",
	10027: "raise max_streams of the account",
	10028: "raise max_mem of the account and max_memory_store of the server: positions of readers are kept in memory",
	10047: "raise max_file_store of the server or max_file of the account, or free some of its disk",
	10065: "somebody else's stream takes the subjects: have it leave them to Rollcall, or give Rollcall an account of its own",
	10074: "this is one server and no cluster: set --nats-replicas 1, or connect to a cluster",
	10077: "the server cannot store: check its disk and its log, raise max_file; it may have to be started again",
	10113: "switch max_bytes_required off for this account: the service's streams have no limit of bytes, as a full one refuses what is new",
	10120: "give the account JetStream limits for this number of replicas, or change --nats-replicas",
	10122: "raise disk_max_stream_bytes of the account, or make it unlimited",
}

// codeOf is JetStream's code for an error of a trial, 0 when it has none.
func codeOf(err error) int {
	var fromAPI *jetstream.APIError
	var stored *publisher.ServerError
	switch {
	case errors.As(err, &fromAPI):
		return int(fromAPI.ErrorCode)
	case errors.As(err, &stored):
		return stored.Code
	}
	return 0
}

// noRoom tells whether an error of a trial says that nothing more can be stored.
func noRoom(err error) bool { return slices.Contains([]int{10002, 10023, 10047, 10077}, codeOf(err)) }

// mend says what to do about an error of a trial.
func (s *store) mend(err error) string {
	code := codeOf(err)
	if code == 10005 && replicas(s.opts.Settings) > 1 {
		return fmt.Sprintf("--nats-replicas %d needs as many servers with JetStream at the same time: start those that are away, or lower it",
			replicas(s.opts.Settings))
	}
	switch {
	case refusalMends[code] != "":
		return refusalMends[code]
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		return "what is sent does not reach the stream: start the servers of the cluster that are away; " +
			"or log in to the account that has JetStream, not to one that imports $JS.API.> from it"
	default:
		return "check the server's log, the room on its disk and the account's limits"
	}
}
