package simulator

import (
	"encoding/json"
	"strconv"
	"time"
)

// The types and topics of stream frames.
// See https://open.dingtalk.com/document/development/stream-mode-protocol-access-description.
const (
	frameSystem     = "SYSTEM"
	frameEvent      = "EVENT"
	topicPing       = "ping"
	topicDisconnect = "disconnect"
	allTopics       = "*"
)

// frame is what the gateway sends.
type frame struct {
	SpecVersion string            `json:"specVersion"`
	Type        string            `json:"type"`
	Headers     map[string]string `json:"headers"`
	Data        string            `json:"data"` // JSON
}

func newFrame(kind, topic, messageID string, at time.Time, data []byte) frame {
	return frame{
		SpecVersion: "1.0", Type: kind, Data: string(data),
		Headers: map[string]string{
			"topic": topic, "messageId": messageID, "contentType": "application/json",
			"time": strconv.FormatInt(at.UnixMilli(), 10),
		},
	}
}

// frame returns the event as the stream carries it: the data says what happened, the headers
// everything else.
func (e *pushEvent) frame(topic, messageID, appID string, at time.Time) frame {
	out := newFrame(frameEvent, topic, messageID, at, encoded(e.eventData))
	out.Headers["eventType"] = e.EventType
	out.Headers["eventId"] = e.EventID
	out.Headers["eventCorpId"] = e.CorpID
	out.Headers["eventBornTime"] = strconv.FormatInt(e.EventTime, 10)
	out.Headers["eventUnifiedAppId"] = appID
	return out
}

// response is what a client sends.
type response struct {
	Code    int               `json:"code"`
	Headers map[string]string `json:"headers"`
	Message string            `json:"message"`
	Data    string            `json:"data"`
}

// acknowledged says whether the client has confirmed an event, so that it is not sent again.
func (r response) acknowledged() bool {
	var data struct {
		Status string `json:"status"`
	}
	return r.Code == 200 && json.Unmarshal([]byte(r.Data), &data) == nil && data.Status == "SUCCESS"
}

// ack is a client's answer to an event.
type ack struct {
	messageID string
	ok        bool
}
