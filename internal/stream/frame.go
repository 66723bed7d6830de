package stream

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/push"
)

// The types of frames and the topics of system frames.
const (
	typeEvent  = "EVENT"
	typeSystem = "SYSTEM"

	topicPing       = "ping"
	topicDisconnect = "disconnect"
)

// What an acknowledgement of an event says.
const (
	statusSuccess = `{"status":"SUCCESS"}`
	statusLater   = `{"status":"LATER"}`
)

const (
	codeOK           = 200
	codeUnknownTopic = 404
)

var wireOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// frame is what the gateway sends. Values are raw, because a header that is not of the documented type must not hide the
// rest: without its messageId a frame comes again and again.
type frame struct {
	Type    string                    `json:"type"`
	Headers map[string]jsontext.Value `json:"headers"`
	Data    jsontext.Value            `json:"data"`
}

// errFrame says that a frame is not even one of another kind.
var errFrame = errors.New("frame without type")

func parseFrame(data []byte) (frame, error) {
	var f frame
	if err := json.Unmarshal(data, &f, wireOptions); err != nil {
		return frame{}, err
	}
	if f.Type == "" {
		return frame{}, errFrame
	}
	return f, nil
}

// header is the text of a header, or of a number, as times may be.
func (f *frame) header(name string) string { return plain(f.Headers[name]) }

// content is the data: a string that holds JSON.
func (f *frame) content() string { return plain(f.Data) }

func plain(raw jsontext.Value) string {
	if raw.Kind() != '"' {
		return string(raw)
	}
	b, _ := jsontext.AppendUnquote(nil, raw) // has been read before, so only bad UTF-8 is left to go wrong
	return string(b)
}

func (f *frame) envelope() push.Envelope {
	born, _ := strconv.ParseInt(f.header("eventBornTime"), 10, 64) // without a time, 0
	return push.Envelope{Type: f.header("eventType"), ID: f.header("eventId"), Time: born}
}

// ack answers a frame.
type ack struct {
	Code    int        `json:"code"`
	Headers ackHeaders `json:"headers"`
	Message string     `json:"message"`
	Data    string     `json:"data"`
}

type ackHeaders struct {
	MessageID   string `json:"messageId"`
	ContentType string `json:"contentType"`
}

// newAck answers the frame with that messageId.
func newAck(messageID string, code int, data string) ack {
	message := "OK"
	if code != codeOK {
		message = "unknown topic"
	}
	return ack{Code: code, Headers: ackHeaders{MessageID: messageID, ContentType: "application/json"}, Message: message, Data: data}
}

func marshalAck(a ack) ([]byte, error) { return json.Marshal(a, wireOptions) }
