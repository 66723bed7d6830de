package streammode

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

func FuzzFrame(f *testing.F) {
	for _, text := range []string{
		`{"specVersion":"1.0","type":"EVENT","headers":{"topic":"*","messageId":"m","eventType":"meeting_status_change","eventBornTime":"1683533823336"},"data":"{\"openConfModel\":{\"conferenceId\":\"6321a\"}}"}`,
		`{"type":"SYSTEM","headers":{"topic":"ping","messageId":"m"},"data":"{\"opaque\":\"1\"}"}`,
		`{"type":"SYSTEM","headers":{"topic":"disconnect"},"data":"{\"reason\":\"connection is expired\"}"}`,
		`{"type":"EVENT","headers":{"messageId":5,"eventBornTime":1.5e3},"data":{}}`, `null`, `{"type":"\ud800"}`, "{\"type\":\"\xff\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fr, err := parseFrame(data, nil)
		if err != nil {
			return
		}
		require.NotEmpty(t, fr.Type)
		_, _ = push.Decode(fr.event(), fr.envelope(), nil)
		raw, err := marshalAck(newAck(fr.header("messageId"), codeOK, fr.content()))
		require.NoError(t, err, "every frame can be answered")
		require.True(t, json.Valid(raw))
	})
}
