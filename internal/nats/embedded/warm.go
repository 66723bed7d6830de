package embedded

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// warm makes the first request of the JetStream API. nats-server loses the answers of what is asked
// while it makes ready to answer its very first request (newServiceReply in accounts.go, 2.15.3;
// see https://github.com/nats-io/nats.go/issues/949), and clients that begin together would wait
// for nothing until they time out.
func (s *Server) warm(ctx context.Context) error {
	nc, err := nats.Connect("", append(s.InProcess(), nats.Timeout(startTimeout))...)
	if err != nil {
		return fmt.Errorf("cannot connect to itself: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if _, err := js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("does not answer: %w", err)
	}
	return nil
}
