package readers

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/events"
)

const (
	// queue makes one of the replicas answer.
	queue = "rollcall"
	// atOnce is how many requests are handed on at a time; more wait.
	atOnce = 16
	// answerTime is how long the server may take to answer one.
	answerTime = 5 * time.Second
	// badRequest is JetStream's code of an error that is the request's.
	badRequest = 10003
	// requestInfo is the header in which the server says who asks, which must not be taken for who
	// asks now.
	requestInfo = "Nats-Request-Info"
)

var (
	errPush    = errors.New("readers make pull consumers alone: this one has a deliver_subject")
	errOurs    = errors.New("consumers whose names begin with " + events.OwnConsumers + " are Rollcall's own")
	errRequest = errors.New("this is no request about a consumer that Rollcall understands")
)

// Serve answers what readers ask about consumers: to make, change or delete one. It hands on to
// JetStream what they may do and refuses the rest, until ctx ends; then it returns once nothing is
// under way any more. It returns an error when it cannot begin; that the server does not let this
// user hear the requests it learns from the connection's error handler alone.
func Serve(ctx context.Context, conn *nats.Conn, logger *slog.Logger) error {
	slots := make(chan struct{}, atOnce)
	var under sync.WaitGroup
	defer under.Wait()
	sub, err := conn.QueueSubscribe(All, queue, func(m *nats.Msg) {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		under.Go(func() {
			defer func() { <-slots }()
			if err := answer(ctx, conn, m); err != nil {
				logger.Debug("a reader's request about a consumer is not answered", "error", err)
			}
		})
	})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	sub.SetClosedHandler(func(string) { close(ended) })
	<-ctx.Done()
	if sub.Unsubscribe() == nil {
		<-ended // else the connection is closed, and nothing comes any more
	}
	return nil
}

// answer hands a request on, or refuses it.
func answer(ctx context.Context, conn *nats.Conn, m *nats.Msg) error {
	request := strings.TrimPrefix(m.Subject, Prefix)
	if err := check(request, m.Data); err != nil {
		return refuse(m, request, err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	asked := &nats.Msg{Subject: api + request, Header: m.Header, Data: m.Data}
	asked.Header.Del(requestInfo)
	reply, err := conn.RequestMsgWithContext(ctx, asked)
	if err != nil {
		return err // the reader's own request runs out of time
	}
	return m.RespondMsg(&nats.Msg{Header: reply.Header, Data: reply.Data})
}

// check returns why a request is refused. What it reads of the body JetStream reads in the same
// way, so that the two cannot take it for different things.
func check(request string, body []byte) error {
	token := strings.Split(request, ".")
	switch {
	case len(token) >= 3 && token[0] == "CONSUMER" && token[1] == "CREATE":
		return checkCreate(token[3:], body)
	case len(token) == 5 && token[0] == "CONSUMER" && token[1] == "DURABLE" && token[2] == "CREATE":
		return checkCreate(token[4:], body)
	case len(token) == 4 && token[0] == "CONSUMER" && token[1] == "DELETE":
		return checkNames(token[3])
	}
	return errRequest
}

// checkCreate checks a request to make or change a consumer. Of what follows the stream in its
// subject the first is the consumer's name, if there is any.
func checkCreate(named []string, body []byte) error {
	var asked struct {
		Config struct {
			Name    string `json:"name"`
			Durable string `json:"durable_name"`
			Deliver string `json:"deliver_subject"`
		} `json:"config"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return errRequest
	}
	if asked.Config.Deliver != "" {
		return errPush
	}
	names := []string{asked.Config.Name, asked.Config.Durable}
	if len(named) > 0 {
		names = append(names, named[0])
	}
	return checkNames(names...)
}

func checkNames(names ...string) error {
	for _, name := range names {
		if strings.HasPrefix(name, events.OwnConsumers) {
			return errOurs
		}
	}
	return nil
}

// refuse answers as JetStream does.
func refuse(m *nats.Msg, request string, why error) error {
	kind := "io.nats.jetstream.api.v1.consumer_create_response"
	if strings.HasPrefix(request, "CONSUMER.DELETE.") {
		kind = "io.nats.jetstream.api.v1.consumer_delete_response"
	}
	type apiError struct {
		Code        int    `json:"code"`
		ErrCode     int    `json:"err_code"`
		Description string `json:"description"`
	}
	body, err := json.Marshal(struct {
		Type  string   `json:"type"`
		Error apiError `json:"error"`
	}{kind, apiError{400, badRequest, why.Error()}})
	if err != nil {
		return err
	}
	return m.Respond(body)
}
