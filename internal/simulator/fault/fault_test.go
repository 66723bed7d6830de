package fault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

func TestMistakesAreNamed(t *testing.T) {
	for want, wrong := range map[string]fault.Fault{
		"no such kind":             {Kind: "fire"},
		"next is negative":         {Kind: fault.Busy, Next: -1},
		"probability is 2":         {Kind: fault.Busy, Probability: 2},
		"exclude each other":       {Kind: fault.Busy, Next: 1, Probability: 0.5},
		"share is -1":              {Kind: fault.MissingRows, Share: -1},
		"not after it begins":      {Kind: fault.Busy, From: history.Duration(time.Second), To: history.Duration(time.Second)},
		"status 99":                {Kind: fault.Busy, Status: 99},
		"no status to change":      {Kind: fault.Reset, Status: 500},
		"delay is missing":         {Kind: fault.Delay},
		"retryAfter":               {Kind: fault.Busy, RetryAfter: -1},
		"bytes":                    {Kind: fault.Huge, Bytes: -1},
		`no calls of class "x"`:    {Kind: fault.Busy, Calls: []fault.Class{"x"}},
		`calls of class "info"`:    {Kind: fault.Shuffle, Calls: []fault.Class{fault.ClassInfo}},
		`calls of class "webhook"`: {Kind: fault.Busy, Calls: []fault.Class{fault.ClassWebhook}},
		`calls of class "members"`: {Kind: fault.PushLost, Calls: []fault.Class{fault.ClassMembers}},
		`calls of class "stream"`:  {Kind: fault.PushForged, Calls: []fault.Class{fault.ClassStream}},
		"(push-delayed): delay":    {Kind: fault.PushDelayed},
		"faults[1] (delay): delay": {Kind: fault.Delay},
	} {
		t.Run(want, func(t *testing.T) {
			err := fault.ValidateAll([]fault.Fault{{Kind: fault.Busy}, wrong}, "faults")
			require.ErrorIs(t, err, history.ErrScenario)
			assert.ErrorContains(t, err, want)
		})
	}
}

func TestEveryKindIsKnown(t *testing.T) {
	for _, kind := range fault.Kinds() {
		f := fault.Fault{Kind: fault.Kind(kind)}
		if f.Kind == fault.Delay || f.Kind == fault.PushDelayed {
			f.Delay = 1
		}
		assert.NoError(t, f.Validate("here"), kind)
	}
	assert.Len(t, fault.Kinds(), 65)
}
