package publisher

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnswersAreJudged(t *testing.T) {
	t.Parallel()
	p := &Publisher{log: Options{}.withDefaults().Logger}
	p.batchLimit.Store(maxBatch)
	for name, tt := range map[string]struct {
		data string
		want verdict
	}{
		"acknowledged":              {`{"stream":"CONFERENCE","seq":10,"batch":"b","count":3}`, committed},
		"of another stream":         {`{"stream":"OTHER","seq":10,"batch":"b","count":3}`, unknown},
		"of another batch":          {`{"stream":"CONFERENCE","seq":10,"batch":"c","count":3}`, unknown},
		"of fewer messages":         {`{"stream":"CONFERENCE","seq":10,"batch":"b","count":2}`, unknown},
		"impossible sequence":       {`{"stream":"CONFERENCE","seq":2,"batch":"b","count":3}`, unknown},
		"empty":                     {``, unknown},
		"not JSON":                  {`-ERR`, unknown},
		"null":                      {`null`, unknown},
		"wrong last sequence":       {`{"error":{"code":400,"err_code":10071}}`, conflict},
		"wrong last, clustered":     {`{"error":{"code":400,"err_code":10164}}`, conflict},
		"duplicate":                 {`{"error":{"code":400,"err_code":10201}}`, duplicate},
		"too large":                 {`{"error":{"code":400,"err_code":10199}}`, tooLarge},
		"incomplete":                {`{"error":{"code":400,"err_code":10176}}`, busy},
		"too many open":             {`{"error":{"code":429,"err_code":10210}}`, busy},
		"too many requests":         {`{"error":{"code":429,"err_code":10167}}`, busy},
		"duplicate being stored":    {`{"error":{"code":409,"err_code":10158}}`, busy},
		"last sequence not ready":   {`{"error":{"code":503,"err_code":10163}}`, busy},
		"any other 400":             {`{"error":{"code":400,"err_code":10174}}`, refused},
		"storing failed half-way":   {`{"error":{"code":503,"err_code":10077}}`, unknown},
		"maximum bytes":             {`{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"}}`, refused},
		"maximum messages":          {`{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}`, refused},
		"out of resources":          {`{"error":{"code":503,"err_code":10023}}`, refused},
		"account limits":            {`{"error":{"code":400,"err_code":10002}}`, refused},
		"rollup not permitted":      {`{"error":{"code":500,"err_code":10111}}`, refused},
		"storage limits":            {`{"error":{"code":500,"err_code":10047}}`, refused},
		"memory limits":             {`{"error":{"code":500,"err_code":10028}}`, refused},
		"error without any numbers": {`{"error":{}}`, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			a := p.judge([]byte(tt.data), "b", 3)
			assert.Equal(t, tt.want, a.verdict, a.verdict.String())
			assert.Equal(t, tt.want == committed, a.err == nil)
		})
	}
}

func TestPublishingErrorsAreJudged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err         error
		sent, reply verdict
	}{
		{nats.ErrMaxPayload, refused, refused},
		{nats.ErrBadSubject, refused, refused},
		{nats.ErrReconnectBufExceeded, busy, busy},
		{nats.ErrNoResponders, busy, busy},
		{nats.ErrConnectionClosed, busy, unknown}, // it may close while the answer is waited for
		{errDisconnected, busy, unknown},
		{nats.ErrTimeout, busy, unknown},
	} {
		assert.Equal(t, tt.sent, notSent(tt.err).verdict, tt.err)
		assert.Equal(t, tt.reply, unanswered(tt.err).verdict, tt.err)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"stream":"CONFERENCE","seq":10,"batch":"b","count":3}`))
	f.Add([]byte(`{"error":{"code":400,"err_code":10071}}`))
	f.Add([]byte(`[]`))
	p := &Publisher{log: Options{}.withDefaults().Logger}
	f.Fuzz(func(t *testing.T, data []byte) {
		p.batchLimit.Store(maxBatch)
		if a := p.judge(data, "b", 3); a.verdict == committed {
			var ack struct{ Stream, Batch string }
			require.NoError(t, json.Unmarshal(data, &ack))
			require.Equal(t, "CONFERENCE", ack.Stream)
			require.Equal(t, "b", ack.Batch)
		}
	})
}
