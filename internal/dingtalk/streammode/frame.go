package streammode

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
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

// frame is what the gateway sends. Values are raw, because a header that is not of the documented
// type must not hide the rest: without its messageId a frame comes again and again.
type frame struct {
	Type    string
	Headers map[string]jsontext.Value
	Data    jsontext.Value
	// whole is the frame itself: envelope and data of an event may come in one object.
	whole jsontext.Value
}

// fields are those of a frame. The event's own may stand beside them, or instead.
type fields struct {
	Type      jsontext.Value `json:"type"`
	Headers   jsontext.Value `json:"headers"`
	Data      jsontext.Value `json:"data"`
	MessageID jsontext.Value `json:"messageId"`
	EventType jsontext.Value `json:"EventType"`
}

// errFrame says that a frame is not even one of another kind.
var errFrame = errors.New("frame without type")

func parseFrame(data []byte, odd *wire.Oddities) (frame, error) {
	var given fields
	if err := json.Unmarshal(wire.Body(data), &given, wire.AnyCase); err != nil {
		return frame{}, wire.DecodeError(err)
	}
	f := frame{Data: given.Data, whole: data}
	if len(given.Type) > 0 && given.Type.Kind() == '"' {
		f.Type = strings.ToUpper(strings.TrimSpace(plain(given.Type)))
	}
	if f.Type == "" && !wire.None(given.EventType) {
		f.Type = typeEvent
	}
	if f.Type == "" {
		return frame{}, errFrame
	}
	if !wire.None(given.Headers) && json.Unmarshal([]byte(plain(given.Headers)), &f.Headers, wire.Options) != nil {
		odd.Note(wire.FrameHeaders, wire.Unreadable)
	}
	if f.header("messageId") == "" && !wire.None(given.MessageID) {
		if f.Headers == nil {
			f.Headers = map[string]jsontext.Value{}
		}
		f.Headers["messageId"] = given.MessageID
	}
	return f, nil
}

// header is the text of a header, or of a number, as times may be. Its name is matched in any case
// where it is not spelled as documented.
func (f *frame) header(name string) string { return plain(f.rawHeader(name)) }

func (f *frame) rawHeader(name string) jsontext.Value {
	if raw, exact := f.Headers[name]; exact {
		return raw
	}
	for other, raw := range f.Headers {
		if strings.EqualFold(other, name) {
			return raw
		}
	}
	return nil
}

// content is the data: a string that holds JSON.
func (f *frame) content() string { return plain(f.Data) }

// event is the JSON of an event: the data, or the whole frame where that is the envelope, too.
func (f *frame) event() []byte {
	if f.header("eventType") == "" || wire.None(f.Data) {
		return f.whole
	}
	return []byte(f.content())
}

// plain is the text of a value, and nothing for null.
func plain(raw jsontext.Value) string {
	if wire.Missing(raw) {
		return ""
	}
	if raw.Kind() != '"' {
		return string(raw)
	}
	text, _ := wire.Text(raw)
	return text
}

func (f *frame) envelope() push.Envelope {
	born, _ := wire.Time(f.rawHeader("eventBornTime")) // without a time, 0
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

func marshalAck(a ack) ([]byte, error) { return json.Marshal(a, wire.Options) }
